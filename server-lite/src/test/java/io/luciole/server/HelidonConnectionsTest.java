package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.helidon.common.buffers.DataWriter;
import io.helidon.webserver.ConnectionContext;
import io.helidon.webserver.spi.ServerConnectionSelector;
import java.io.IOException;
import java.lang.reflect.Method;
import java.lang.reflect.Modifier;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Set;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/**
 * Helidon's connection internals are those that {@link HelidonConnections} was written for. If a
 * test fails here after an update of Helidon, that class alone has to follow; whether it still
 * works is shown by {@code OperationsTest.clientThatHangsUp_cancelsItsQueuedTexts}, {@code
 * OverloadTest.clientThatReadsNothing_givesItsPlaceBack} and {@code
 * BadInputTest.silentClient_isAnsweredAndLeft}.
 */
class HelidonConnectionsTest {
  /** Types that describe connections rather than requests and answers. */
  private static final Pattern INTERNAL =
      Pattern.compile(
          "io\\.helidon\\.(common\\.(buffers|socket|task|concurrency\\.limits)|webserver\\.(spi|http1))\\.\\w+"
              + "|io\\.helidon\\.webserver\\.(ConnectionContext|ListenerContext|ProxyProtocolData"
              + "|Router|ServerConnectionException)\\b");

  @ParameterizedTest
  @ValueSource(
      classes = {ConnectionContext.class, DataWriter.class, ServerConnectionSelector.class})
  void helidonsInternals_haveNoMethodThatHelidonConnectionsDoesNotOverride(Class<?> internal) {
    List<Class<?>> implementations =
        nested(HelidonConnections.class).stream()
            .filter(c -> internal.isAssignableFrom(c) && !c.isInterface())
            .toList();
    assertThat(implementations).hasSize(1);
    Set<String> overridden =
        Arrays.stream(implementations.get(0).getDeclaredMethods())
            .map(HelidonConnectionsTest::signature)
            .collect(Collectors.toSet());
    Set<String> missing = new TreeSet<>();
    for (Method method : internal.getMethods()) {
      // Logging needs nothing but the identifiers that are overridden.
      if (!Modifier.isStatic(method.getModifiers()) && !method.getName().equals("log")) {
        missing.add(signature(method));
      }
    }
    missing.removeAll(overridden);
    assertThat(missing)
        .as(
            "Helidon's %s has methods that HelidonConnections does not know; a connection that is"
                + " supervised would behave in another way than one that is not",
            internal.getSimpleName())
        .isEmpty();
  }

  @Test
  void helidonsInternals_areUsedByHelidonConnectionsAndItsReaderAlone() throws IOException {
    Set<String> users = new TreeSet<>();
    try (Stream<Path> files = Files.walk(Path.of("src/main/java"))) {
      for (Path file : files.filter(f -> f.toString().endsWith(".java")).toList()) {
        Matcher internal = INTERNAL.matcher(Files.readString(file));
        if (internal.find()) {
          users.add(String.valueOf(file.getFileName()));
        }
      }
    }
    assertThat(users).containsExactly("HelidonConnections.java", "HelidonReader.java");
  }

  private static List<Class<?>> nested(Class<?> of) {
    List<Class<?>> classes = new ArrayList<>();
    for (Class<?> each : of.getDeclaredClasses()) {
      classes.add(each);
      classes.addAll(nested(each));
    }
    return classes;
  }

  private static String signature(Method method) {
    return method.getName()
        + Arrays.stream(method.getParameterTypes())
            .map(Class::getSimpleName)
            .collect(Collectors.joining(", ", "(", ")"));
  }
}
