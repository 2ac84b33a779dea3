package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/**
 * The table of docs/models.md is that of the layouts which {@link LayoutContractTest} holds both
 * backends to. To rewrite it: {@code ./mvnw -q -pl testkit -am test -Dtest=LayoutPageTest
 * -Dsurefire.failIfNoSpecifiedTests=false -Dluciole.test.rewrite=true}.
 */
class LayoutPageTest {
  private static final Path PAGE = Path.of("../docs/models.md");
  private static final String HEAD = "| layout | `onnx` | `djl` |\n|---|---|---|\n";

  private static String table() {
    return ModelLayout.all().stream()
        .map(l -> "| %s | %s | %s |\n".formatted(l.name(), cell(l, "onnx"), cell(l, "djl")))
        .collect(Collectors.joining("", HEAD, ""));
  }

  private static String cell(ModelLayout layout, String backend) {
    return layout.refusal(backend).map(message -> "refused: “" + message + "”").orElse("0.99999");
  }

  @Test
  void page_hasTheTableOfTheFixtures() throws IOException {
    String page = Files.readString(PAGE);
    int from = page.indexOf(HEAD);
    assertThat(from).as("the table's head is in %s", PAGE).isNotNegative();
    int end = page.indexOf("\n\n", from);
    String expected = page.substring(0, from) + table() + (end < 0 ? "" : page.substring(end + 1));
    if (Boolean.getBoolean("luciole.test.rewrite")) {
      Files.writeString(PAGE, expected);
    }

    assertThat(page).isEqualTo(expected);
  }

  @Test
  void layouts_haveNamesOfTheirOwn() {
    List<String> names = ModelLayout.all().stream().map(ModelLayout::name).toList();

    assertThat(names).doesNotHaveDuplicates().hasSizeGreaterThanOrEqualTo(40);
  }
}
