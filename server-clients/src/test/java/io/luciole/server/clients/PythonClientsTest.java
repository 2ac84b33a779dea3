package io.luciole.server.clients;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import io.luciole.server.LucioleServer;
import io.luciole.server.ServerConfig;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/**
 * Python's clients. {@code LUCIOLE_TEST_PYTHON} names an interpreter that has them ({@code
 * .ci/python-clients.sh} makes one); skipped without it, and of those that it has not.
 */
@Tag("node")
@Timeout(300)
class PythonClientsTest {
  private static final Path SCRIPTS = Path.of("src/test/python").toAbsolutePath();

  @TempDir Path folder;

  @Test
  void pythonsClients_getTheLibrarysVectors_orTheRemedy() throws Exception {
    String python = System.getenv("LUCIOLE_TEST_PYTHON");
    assumeTrue(
        python != null && !python.isBlank(), "LUCIOLE_TEST_PYTHON names no Python with clients");
    try (EmbeddingEngine engine =
            EmbeddingEngine.builder(LucioleConfig.of(Map.of())).model("starter").open();
        LucioleServer server =
            LucioleServer.start(ServerConfig.defaults().at("127.0.0.1", 0), engine)) {
      Path file = Expected.write(engine, folder.resolve("expected.json"));
      String output =
          Programs.run(
              SCRIPTS,
              List.of(python, "-B", "clients.py", server.uri().toString(), file.toString()));
      System.out.println(output);
      assertThat(output.lines())
          .as(output)
          .hasSize(10)
          .allMatch(line ->
              line.endsWith(": equal") || line.contains("remedy") || line.contains("skipped"));
    }
  }
}
