package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.google.inject.Guice;
import com.google.inject.Injector;
import com.google.inject.Stage;
import io.luciole.EmbeddingEngine;
import io.luciole.EngineClosedException;
import io.luciole.LucioleConfig;
import io.luciole.guice.LucioleLifecycle;
import io.luciole.guice.LucioleModule;
import io.luciole.testkit.FakeBackend;
import io.luciole.testkit.FakeModel;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse.BodyHandlers;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The server in an application's injector. */
class ServerModuleTest {
  @TempDir Path folder;

  @Test
  void engineOfLuciolesModule_isServedAndSharedAndClosedAfterTheServer() throws Exception {
    LucioleModule luciole =
        new LucioleModule(LucioleConfig.of(Map.of()))
            .withEngine(
                builder -> builder.model(FakeModel.write(folder, 64)).backend(new FakeBackend()));
    Injector injector =
        Guice.createInjector(
            Stage.PRODUCTION,
            binder -> {
              binder.requireExplicitBindings();
              binder.disableCircularProxies();
            },
            new ServerModule(Server.config(), luciole));
    EmbeddingEngine engine = injector.getInstance(EmbeddingEngine.class);
    try (LucioleServer server = injector.getInstance(LucioleServer.class);
        HttpClient client = HttpClient.newHttpClient()) {
      server.start();
      HttpRequest request = HttpRequest.newBuilder(URI.create(server.uri() + "v1/models")).build();
      assertThat(client.send(request, BodyHandlers.ofString()).body())
          .contains('"' + engine.modelName() + '"');
    }
    assertThat(engine.embed("w1").join().tokenCount()).isEqualTo(3);
    injector.getInstance(LucioleLifecycle.class).close();
    assertThatThrownBy(() -> engine.embed("w1")).isInstanceOf(EngineClosedException.class);
  }
}
