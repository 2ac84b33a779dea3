package io.luciole.internal;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.net.URI;
import java.net.URL;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeFilesTest {
  private static final String LIBRARY = "libsome.so";

  @TempDir Path folder;

  @Test
  void load_copiesOnce_andFindsTheCopyAgain() throws IOException {
    Path cache = folder.resolve("cache");
    NativeFiles natives = natives(jar("a.jar", "machine code"));

    Path first = natives.load(cache, loaded -> {});
    Path library = first.resolve(LIBRARY);
    var written = Files.getLastModifiedTime(library);
    Path second = natives.load(cache, loaded -> {});

    assertThat(first).startsWith(cache).isEqualTo(second);
    assertThat(library).hasContent("machine code");
    assertThat(Files.getLastModifiedTime(library)).isEqualTo(written);
  }

  @Test
  void load_ofOtherBytesOfTheSameSize_takesAnotherFolder() throws IOException {
    Path cache = folder.resolve("cache");

    Path one = natives(jar("a.jar", "machine code")).load(cache, loaded -> {});
    Path other = natives(jar("b.jar", "Machine code")).load(cache, loaded -> {});

    assertThat(one.resolve(LIBRARY)).hasContent("machine code");
    assertThat(other.resolve(LIBRARY)).hasContent("Machine code");
  }

  @Test
  void load_replacesAFileThatIsCutOff() throws IOException {
    Path cache = folder.resolve("cache");
    NativeFiles natives = natives(jar("a.jar", "machine code"));
    Path library = natives.load(cache, loaded -> {}).resolve(LIBRARY);
    Files.writeString(library, "machine");

    natives.load(cache, loaded -> {});

    assertThat(library).hasContent("machine code");
  }

  @Test
  void load_takesATemporaryFolder_ifTheCacheCannotBeWritten() throws IOException {
    Path cache = Files.writeString(folder.resolve("cache"), "a file where a folder should be");

    Path used = natives(jar("a.jar", "machine code")).load(cache, loaded -> {});

    assertThat(used.resolve(LIBRARY)).hasContent("machine code");
  }

  @Test
  void load_takesATemporaryFolder_ifAnotherClassLoaderHasTheFirst() throws IOException {
    Path cache = folder.resolve("cache");
    List<Path> tried = new ArrayList<>();

    Path used =
        natives(jar("a.jar", "machine code"))
            .load(
                cache,
                candidate -> {
                  tried.add(candidate);
                  if (candidate.startsWith(cache)) {
                    throw new UnsatisfiedLinkError("already loaded in another classloader");
                  }
                  assertThat(candidate.resolve(LIBRARY)).hasContent("machine code");
                });

    assertThat(tried).hasSize(2).endsWith(used);
  }

  @Test
  void load_tellsWhatToDo_ifNoFolderWillDo() throws IOException {
    Path cache = folder.resolve("cache");
    NativeFiles natives = natives(jar("a.jar", "machine code"));

    assertThatThrownBy(() ->
            natives.load(
                cache,
                candidate -> {
                  throw new UnsatisfiedLinkError("failed to map segment from shared object");
                }))
        .isInstanceOf(IOException.class)
        .hasMessageContaining(cache.toString())
        .hasMessageContaining(System.getProperty("java.io.tmpdir"))
        .hasMessageContaining("failed to map segment")
        .hasMessageContaining("noexec")
        .hasMessageContaining("-Dluciole.cache")
        .hasMessageContaining("-Djava.io.tmpdir");
  }

  private static NativeFiles natives(URL library) {
    return new NativeFiles("some-1.0", Map.of(LIBRARY, library));
  }

  private URL jar(String name, String content) throws IOException {
    Path jar = folder.resolve(name);
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
      out.putNextEntry(new JarEntry(LIBRARY));
      out.write(content.getBytes(StandardCharsets.UTF_8));
    }
    return URI.create("jar:" + jar.toUri() + "!/" + LIBRARY).toURL();
  }
}
