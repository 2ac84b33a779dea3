package io.luciole.bench;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The Chinese README is in step with the English one: the same headings by level, the same blocks
 * of commands and code up to their comments, tables of as many rows, links to the same places, and
 * in each section the same inline code and figures.
 */
class TranslationTest {
  private static final Path ENGLISH = Path.of("../README.md");
  private static final Path CHINESE = Path.of("../README.zh-CN.md");

  private static final Pattern LINK = Pattern.compile("\\]\\(([^)]+)\\)");
  private static final Pattern COMMENT =
      Pattern.compile("<!--.*?-->|(?<![:\\w])//.*|(?:^|\\s)#\\s.*");

  /** Inline code, or a number outside it. */
  private static final Pattern FACT = Pattern.compile("`[^`]+`|\\d+(?:[.,]\\d+)*");

  /** What a translation keeps, a line each, in the order of the text. */
  private static List<String> skeleton(List<String> lines) {
    List<String> skeleton = new ArrayList<>();
    boolean inside = false;
    for (String line : lines) {
      if (line.startsWith("```")) {
        inside = !inside;
        skeleton.add(line);
      } else if (inside) {
        skeleton.add(COMMENT.matcher(line).replaceAll("").stripTrailing());
      } else if (line.startsWith("#")) {
        skeleton.add(line.substring(0, line.indexOf(' ')));
      } else if (line.startsWith("|")) {
        skeleton.add("|");
      }
    }
    return skeleton;
  }

  /** Where the links lead, in an order of their own, since sentences are not built alike. */
  private static List<String> links(List<String> lines) {
    List<String> links = new ArrayList<>();
    for (String line : lines) {
      for (Matcher link = LINK.matcher(line); link.find(); ) {
        links.add(link.group(1));
      }
    }
    return links;
  }

  /** The inline code and the numbers in the prose of each section. */
  private static List<Set<String>> facts(List<String> lines) {
    List<Set<String>> facts = new ArrayList<>();
    for (String section : prose(lines)) {
      Set<String> found = new TreeSet<>();
      FACT.matcher(LINK.matcher(section).replaceAll("]"))
          .results()
          .forEach(fact -> found.add(fact.group()));
      facts.add(found);
    }
    return facts;
  }

  /** Each section from its heading on, without blocks of code, in one line. */
  private static List<String> prose(List<String> lines) {
    List<String> sections = new ArrayList<>();
    boolean inside = false;
    for (String line : lines) {
      if (line.startsWith("```")) {
        inside = !inside;
      } else if (!inside && line.startsWith("#")) {
        sections.add(line);
      } else if (!inside) {
        sections.set(sections.size() - 1, sections.getLast() + " " + line);
      }
    }
    return sections;
  }

  @Test
  void chinese_hasTheHeadingsCommandsTablesAndLinksOfTheEnglish() throws IOException {
    List<String> english = Files.readAllLines(ENGLISH);
    List<String> chinese = Files.readAllLines(CHINESE);
    assertThat(skeleton(chinese)).isEqualTo(skeleton(english));
    assertThat(links(chinese))
        .filteredOn(link -> !link.equals("README.md"))
        .containsExactlyInAnyOrderElementsOf(
            links(english).stream().filter(link -> !link.equals("README.zh-CN.md")).toList());
    assertThat(facts(chinese)).isEqualTo(facts(english));
  }

  @Test
  void facts_areToldBySectionAndNotByOrder() {
    List<String> english =
        "# One\n`a b` takes 1.5 s, see [2](3.md).\n## Two\n10,000 of `c\nd`".lines().toList();

    assertThat(facts(english))
        .containsExactly(Set.of("`a b`", "1.5", "2"), Set.of("10,000", "`c d`"));
    assertThat(facts("# 一\n见 [2](3.md)，1.5 秒，`a b`\n## 二\n`c d`，10,000".lines().toList()))
        .isEqualTo(facts(english));
    assertThat(facts("# 一\n见 [2](3.md)，1.6 秒，`a b`\n## 二\n`c d`，10,000".lines().toList()))
        .isNotEqualTo(facts(english));
  }

  @Test
  void skeleton_ignoresWordsAndComments() {
    assertThat(
            skeleton(
                "# 流萤\n\n文字\n\n```\n./luciole demo   # 演示\n```\n| 一 |\n|---|".lines().toList()))
        .isEqualTo(
            skeleton(
                "# Luciole\nWords.\n```\n./luciole demo # a demo\n```\n| one |\n|---|"
                    .lines()
                    .toList()));
  }

  @Test
  void skeleton_tellsAnotherCommandAHeadingAndARow() {
    List<String> english = skeleton("## Two\n```\n./mvnw verify\n```\n| a |".lines().toList());

    assertThat(skeleton("## 二\n```\n./mvnw test\n```\n| 一 |".lines().toList()))
        .isNotEqualTo(english);
    assertThat(skeleton("### 二\n```\n./mvnw verify\n```\n| 一 |".lines().toList()))
        .isNotEqualTo(english);
    assertThat(skeleton("## 二\n```\n./mvnw verify\n```".lines().toList())).isNotEqualTo(english);
  }
}
