package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/**
 * The files in docs/write-a-backend.md are those that are compiled and tested here. That they make
 * a project of their own is tested by .ci/test-backend-page.sh.
 */
class BackendPageTest {
  /** A line that names a file, or a block that continues the file that was named last. */
  private static final Pattern PART =
      Pattern.compile("^`(\\S+)`:$|^```\\w*\\n(.*?)^```$", Pattern.DOTALL | Pattern.MULTILINE);

  private static Map<String, String> files() throws IOException {
    Matcher part = PART.matcher(Files.readString(Path.of("../docs/write-a-backend.md")));
    Map<String, String> files = new LinkedHashMap<>();
    String file = "";
    while (part.find()) {
      if (part.group(1) != null) {
        file = part.group(1);
      } else {
        files.merge(file, part.group(2), String::concat);
      }
    }
    return files;
  }

  @Test
  void page_hasTheFilesThatAreTestedHere() throws IOException {
    Map<String, String> files = files();

    assertThat(files)
        .containsOnlyKeys(
            "pom.xml",
            "src/main/java/com/example/StaticBackend.java",
            "src/main/resources/META-INF/services/io.luciole.spi.BackendProvider",
            "src/test/java/com/example/StaticBackendTest.java");
    files.forEach((name, text) -> {
      if (name.endsWith(".java")) {
        Path here = Path.of(name.replace("src/main/", "src/test/"));
        assertThat(here).content().as(name).satisfies(tested -> same(tested, text));
      }
    });
    assertThat(Path.of("src/test/resources/META-INF/services/io.luciole.spi.BackendProvider"))
        .content()
        .contains(files.get("src/main/resources/META-INF/services/io.luciole.spi.BackendProvider"));
  }

  private static void same(String tested, String shown) {
    assertThat(shown.replaceAll("\\s+", "")).isEqualTo(tested.replaceAll("\\s+", ""));
  }
}
