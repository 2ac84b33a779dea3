package io.luciole.testkit;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.junit.jupiter.api.Test;

/** The code in docs/write-a-backend.md is the code that is compiled and tested here. */
class BackendPageTest {
  @Test
  void page_showsTheCodeThatIsTestedHere() throws IOException {
    String page = Files.readString(Path.of("../docs/write-a-backend.md"));
    StringBuilder code = new StringBuilder();
    for (String name : List.of("StaticBackend.java", "StaticBackendTest.java")) {
      code.append(Files.readString(Path.of("src/test/java/io/luciole/testkit").resolve(name)));
    }
    Matcher block = Pattern.compile("```java\n(.*?)```", Pattern.DOTALL).matcher(page);
    int blocks = 0;
    while (block.find()) {
      assertThat(squeezed(code.toString())).contains(squeezed(block.group(1)));
      blocks++;
    }
    assertThat(blocks).isGreaterThan(3);
  }

  private static String squeezed(String code) {
    return code.replaceAll("\\s+", "");
  }
}
