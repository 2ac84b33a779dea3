package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.Key;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** The files for containers name only what there is. */
class ContainerFilesTest {
  private static final String DOCKERFILE = read("../Dockerfile");
  private static final String MANIFEST = read("../docs/ops/kubernetes.yml");

  private static String read(String file) {
    try {
      return Files.readString(Path.of(file));
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  @Test
  void settings_exist() {
    Set<String> known =
        new ServerKeys().keys().stream().map(Key::variable).collect(Collectors.toSet());
    Matcher named = Pattern.compile("LUCIOLE_SERVER_\\w+").matcher(DOCKERFILE + MANIFEST);
    int settings = 0;
    for (; named.find(); settings++) {
      assertThat(known).contains(named.group());
    }
    assertThat(settings).isGreaterThan(4);
  }

  @Test
  void probes_askWhatIsOpen() {
    Matcher probe = Pattern.compile("httpGet: \\{path: (\\S+),").matcher(MANIFEST);
    int probes = 0;
    for (; probe.find(); probes++) {
      assertThat(probe.group(1)).isIn("/health/live", "/health/ready");
    }
    assertThat(probes).isEqualTo(3);
  }

  /** A pod that is killed before its drain time and its shutdown are over loses requests. */
  @Test
  void gracePeriod_isLongEnough() {
    long grace = seconds("terminationGracePeriodSeconds: (\\d+)");
    long drain = seconds("LUCIOLE_SERVER_DRAIN, value: (\\d+)s");
    assertThat(grace).isGreaterThan(drain + ServerConfig.Limits.defaults().shutdown().toSeconds());
    assertThat(drain).isGreaterThan(seconds("readinessProbe:\\n.*\\n +periodSeconds: (\\d+)"));
  }

  private static long seconds(String pattern) {
    Matcher found = Pattern.compile(pattern).matcher(MANIFEST);
    assertThat(found.find()).as(pattern).isTrue();
    return Long.parseLong(found.group(1));
  }

  @Test
  void volumesOfTheManifest_areThoseOfTheImage() {
    for (String volume : new String[] {"/cache", "/index"}) {
      assertThat(DOCKERFILE).contains("\"" + volume + "\"");
      assertThat(MANIFEST).contains("mountPath: " + volume + ",");
    }
  }
}
