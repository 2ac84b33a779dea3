package io.luciole.djl;

import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.internal.NativePlatform;
import io.luciole.spi.BackendException;
import java.io.File;
import java.io.IOException;
import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativesTest {
  @TempDir private Path folder;

  /** A class path that has only these resources; null means that a resource is missing. */
  private URLClassLoader classPath(String natives, String glue) throws IOException {
    write("native/lib/pytorch.properties", natives);
    write("jnilib/pytorch.properties", glue);
    write("pytorch-engine.properties", "djl_version=0.35.1\npytorch_version=2.7.1");
    return new URLClassLoader(new URL[] {folder.toUri().toURL()}, null);
  }

  private void write(String name, String content) throws IOException {
    if (!content.isEmpty()) {
      Path file = folder.resolve(name);
      Files.createDirectories(file.getParent());
      Files.writeString(file, content);
    }
  }

  @Test
  void thisClassPath_hasWhatItTakes() {
    assertThatCode(() -> Natives.check(getClass().getClassLoader(), NativePlatform.name()))
        .doesNotThrowAnyException();
  }

  @Test
  void folderWithoutPyTorch_isNamed_withWhatWasExpected() throws IOException {
    String library = System.mapLibraryName("torch");
    assertThatThrownBy(() -> Natives.requireFolder(folder.toString()))
        .isInstanceOf(BackendException.class)
        .hasMessageContainingAll(
            "Expected " + library, "PYTORCH_LIBRARY_PATH", "found none in " + folder, "unset");
    assertThatThrownBy(() -> Natives.requireFolder(""))
        .isInstanceOf(BackendException.class)
        .hasMessageContaining("PYTORCH_LIBRARY_PATH");
    write(library, "a library");
    for (String named : new String[] {"", "/none" + File.pathSeparator}) {
      assertThatCode(() -> Natives.requireFolder(named + folder)).doesNotThrowAnyException();
    }
    assertThatCode(() -> Natives.requireFolder(folder.resolve(library).toString()))
        .doesNotThrowAnyException();
  }

  @Test
  void nativesOfAnotherPlatform_areNamed_withThoseToAdd() throws IOException {
    try (URLClassLoader loader =
        classPath(
            "version=2.7.1-20250812\nflavor=cpu\nclassifier=osx-aarch64",
            "jni_version=2.7.1-0.35.1")) {
      assertThatThrownBy(() -> Natives.check(loader, "linux-x86_64"))
          .isInstanceOf(BackendException.class)
          .hasMessageContainingAll(
              "for linux-x86_64 are not on the class path",
              "found those for osx-aarch64",
              "ai.djl.pytorch:pytorch-native-cpu:2.7.1",
              "PYTORCH_FLAVOR=cu128");
    }
  }

  @Test
  void noNatives_areMissed() throws IOException {
    try (URLClassLoader loader = classPath("", "jni_version=2.7.1-0.35.1")) {
      assertThatThrownBy(() -> Natives.check(loader, "linux-aarch64"))
          .isInstanceOf(BackendException.class)
          .hasMessageContainingAll("linux-aarch64", "pytorch-native-cpu:2.7.1");
    }
  }

  @Test
  void glueThatDoesNotFit_isNamed_withTheOneThatDoes() throws IOException {
    try (URLClassLoader loader =
        classPath(
            "version=2.7.1-20250812\nflavor=cpu\nclassifier=linux-x86_64",
            "jni_version=2.5.1-0.33.0")) {
      assertThatThrownBy(() -> Natives.check(loader, "linux-x86_64"))
          .isInstanceOf(BackendException.class)
          .hasMessageContainingAll("pytorch-jni:2.7.1-0.35.1", "found 2.5.1-0.33.0");
    }
  }
}
