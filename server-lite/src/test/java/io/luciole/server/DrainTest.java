package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.awaitility.Awaitility.await;

import io.luciole.LucioleConfig;
import io.luciole.testkit.FakeBackend;
import java.io.IOException;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.io.TempDir;

/** How a server ends behind a balancer. */
@Timeout(120)
class DrainTest {
  @TempDir Path folder;

  private Server serve(String drain) {
    ServerConfig config =
        ServerConfig.of(LucioleConfig.of(Map.of("luciole.server.drain", drain))).at("127.0.0.1", 0);
    return Server.fake(new FakeBackend(), folder, c -> config);
  }

  @Test
  void drainTime_isServed_whileReadyIs503() throws Exception {
    Server server = serve("1h");
    assertThat(server.get("/health/ready").status()).isEqualTo(200);
    Thread closing = Thread.ofPlatform().start(server.server::close);
    await().until(() -> server.get("/health/ready").status() == 503);
    Server.Answer ready = server.get("/health/ready");
    assertThat(ready.body()).contains("shutting down");
    assertThat(server.get("/health/live").status()).isEqualTo(200);
    Server.Answer served = server.post("/v1/embeddings", "{\"input\":\"w1\"}");
    assertThat(served.status()).isEqualTo(200);
    assertThat(served.response().headers().firstValue("Connection")).hasValue("close");
    // A program that can wait no longer ends the time.
    closing.interrupt();
    assertThat(closing.join(Duration.ofSeconds(60))).isTrue();
    assertThatThrownBy(() -> server.get("/health/live")).hasRootCauseInstanceOf(IOException.class);
    server.close();
  }

  @Test
  void withoutADrainTime_theEndIsAtOnce() {
    Server server = serve("0s");
    server.server.close();
    assertThatThrownBy(() -> server.get("/health/live")).hasRootCauseInstanceOf(IOException.class);
    server.close();
  }
}
