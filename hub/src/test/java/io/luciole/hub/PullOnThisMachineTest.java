package io.luciole.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.internal.HubCache;
import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Random;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.CompletionException;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;

/**
 * What is here already: Hugging Face's cache, no connection, other pulls, other people's folders.
 */
final class PullOnThisMachineTest extends PullFixture {
  private static final String WEIGHTS = "pytorch_model.bin";

  @Test
  void huggingFaceCache_isUsedInPlace() throws Exception {
    Path snapshot = huggingFaceSnapshot(FakeHub.COMMIT, CHECKPOINT);

    assertThat(pull()).isEqualTo(snapshot);

    assertThat(hub.filesAsked()).isEmpty();
    assertThat(folder()).doesNotExist();
  }

  @Test
  void huggingFaceCache_withAPartOfTheFiles_lendsThem() throws Exception {
    huggingFaceSnapshot(FakeHub.COMMIT, List.of("config.json", "tokenizer.json", WEIGHTS));

    assertThat(pull()).isEqualTo(folder());

    assertThat(hub.filesAsked())
        .contains("sparse_linear.pt")
        .doesNotContain(WEIGHTS, "config.json");
    assertThat(names(folder())).containsExactlyElementsOf(CHECKPOINT);
    assertThat(Files.isSymbolicLink(folder().resolve(WEIGHTS))).isFalse();
    assertThat(folder().resolve(WEIGHTS)).hasBinaryContent(hub.bytes(WEIGHTS));
  }

  @Test
  void huggingFaceCache_withDamage_isNotTaken() throws Exception {
    Path snapshot = huggingFaceSnapshot(FakeHub.COMMIT, List.of("tokenizer.json", WEIGHTS));
    Files.write(snapshot.resolve(WEIGHTS), new byte[hub.bytes(WEIGHTS).length]);

    pull();

    assertThat(folder().resolve(WEIGHTS)).hasBinaryContent(hub.bytes(WEIGHTS));
  }

  @Test
  void huggingFaceCache_ofAnotherCommit_isNotTaken() throws Exception {
    huggingFaceSnapshot("ffffffffffffffffffffffffffffffffffffffff", CHECKPOINT);

    assertThat(pull()).isEqualTo(folder());
  }

  @Test
  void huggingFaceCache_withoutWeights_isNoModel() throws Exception {
    huggingFaceSnapshot(FakeHub.COMMIT, List.of("tokenizer.json", "config.json"));
    HubCache found = HubCache.of(cache, environment);

    assertThat(found.find(new HubCache.Reference(MODEL, null), ModelFiles::areIn)).isEmpty();
    assertThat(found.snapshot(MODEL, "main")).isPresent();
    assertThat(found.snapshot(MODEL, "../../x")).isEmpty();
  }

  /**
   * Hugging Face's tools fetch each file alone, so that tensors outside an ONNX file may be
   * missing.
   */
  @Test
  void huggingFaceCache_withoutTheTensorsOfAnOnnxFile_isNoModel() throws Exception {
    hub.put("onnx/model.onnx", ModelHubTest.onnxWithTensorsIn("weights.bin"));
    hub.put("onnx/weights.bin", new Random(3), 9_000);
    List<String> files = List.of("config.json", "tokenizer.json", "onnx/model.onnx");
    Path snapshot = huggingFaceSnapshot(FakeHub.COMMIT, files);
    HubCache found = HubCache.of(cache, environment);
    HubCache.Reference model = new HubCache.Reference(MODEL, null);

    assertThat(found.find(model, ModelFiles::areIn)).isEmpty();
    assertThatThrownBy(() -> pull(PullOptions.DEFAULT.withOffline(true)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("is not on this machine");

    Files.write(snapshot.resolve("onnx/weights.bin"), hub.bytes("onnx/weights.bin"));
    assertThat(found.find(model, ModelFiles::areIn)).contains(snapshot);
  }

  @Test
  void offline_withTheModel_asksNobody() throws Exception {
    pull();
    hub.close();

    assertThat(pull(PullOptions.DEFAULT.withOffline(true))).isEqualTo(folder());
    for (String variable : List.of("LUCIOLE_OFFLINE", "HF_HUB_OFFLINE")) {
      environment.put(variable, "1");
      assertThat(pull()).isEqualTo(folder());
      environment.remove(variable);
    }
  }

  @Test
  void offline_withTheModelInHuggingFacesCache_usesIt() throws Exception {
    Path snapshot = huggingFaceSnapshot(FakeHub.COMMIT, CHECKPOINT);
    environment.put("HF_HUB_OFFLINE", "true");

    assertThat(pull()).isEqualTo(snapshot);
    assertThat(pull(PullOptions.DEFAULT.withRevision(FakeHub.COMMIT))).isEqualTo(snapshot);
    assertThat(hub.requests()).isEmpty();
  }

  @Test
  void offline_withoutTheModel_saysSoAndAsksNobody() {
    assertThatThrownBy(() -> pull(PullOptions.DEFAULT.withOffline(true)))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("is not on this machine, and connections are forbidden")
        .hasMessageContaining("without --offline");
    environment.put("LUCIOLE_OFFLINE", "yes");
    assertThatThrownBy(this::pull)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("Unset LUCIOLE_OFFLINE");
    assertThat(hub.requests()).isEmpty();
  }

  @Test
  void offline_withAnotherRevision_saysSo() throws Exception {
    pull();
    PullOptions offline = PullOptions.DEFAULT.withOffline(true);

    assertThat(pull(offline.withRevision("main"))).isEqualTo(folder());
    assertThat(pull(offline.withRevision(FakeHub.COMMIT.substring(0, 8)))).isEqualTo(folder());
    assertThatThrownBy(() -> pull(offline.withRevision("v2")))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("of revision \"v2\" is not on this machine");
  }

  @Test
  void offline_withoutTheOnnxFile_saysSo() throws Exception {
    pull();

    assertThatThrownBy(() -> pull(PullOptions.DEFAULT.withOffline(true).withOnnx()))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("not all that was asked for")
        .hasMessageContaining("an ONNX file");
  }

  @Test
  void lockHeldByAnother_isWaitedFor() throws Exception {
    Path lock = folder().resolveSibling(".tiny.lock");
    Files.createDirectories(lock.getParent());
    CompletableFuture<Path> pulled;
    try (FileChannel other =
        FileChannel.open(lock, StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
      assertThat(other.lock().isValid()).isTrue();
      pulled = inBackground(listener);
      Awaitility.await().until(() -> listener.waits);
      assertThat(pulled).isNotDone();
      assertThat(hub.filesAsked()).isEmpty();
    }

    assertThat(pulled.join()).isEqualTo(folder());
    assertThat(resolves()).isTrue();
  }

  @Test
  void twoPullsAtOnce_fetchOnce() throws Exception {
    Listener second = new Listener();
    CompletableFuture<Path> one = inBackground(listener);
    CompletableFuture<Path> two = inBackground(second);

    assertThat(one.join()).isEqualTo(folder());
    assertThat(two.join()).isEqualTo(folder());
    assertThat(hub.requests(WEIGHTS)).hasSize(1);
  }

  private CompletableFuture<Path> inBackground(Listener heard) {
    return CompletableFuture.supplyAsync(() -> {
      try {
        return modelHub().pull(MODEL, PullOptions.DEFAULT, heard);
      } catch (InterruptedException e) {
        throw new CompletionException(e);
      }
    });
  }

  @Test
  void folderOfOthers_withTheRightFiles_isTakenOver() throws Exception {
    for (String name : CHECKPOINT) {
      Files.createDirectories(folder().resolve(name).getParent());
      Files.write(folder().resolve(name), hub.bytes(name));
    }

    assertThat(pull()).isEqualTo(folder());

    assertThat(hub.filesAsked()).isEmpty();
    assertThat(Marker.read(folder())).isNotNull();
  }

  @Test
  void folderOfOthers_withOtherFiles_isLeftAlone() throws Exception {
    Files.createDirectories(folder());
    Files.writeString(folder().resolve("tokenizer.json"), "mine");

    assertThatThrownBy(this::pull)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("was not made by a pull")
        .hasMessageContaining("Move the folder away");
    assertThat(folder().resolve("tokenizer.json")).hasContent("mine");
    assertThat(hub.filesAsked()).isEmpty();
  }

  @Test
  void crash_betweenTheRenames_isRecoveredFrom() throws Exception {
    pull();
    Files.move(folder(), folder().resolveSibling(".tiny.old"));
    hub.requests().clear();

    pull();

    assertThat(resolves()).isTrue();
    assertThat(hub.filesAsked()).isEmpty();
    assertThat(folder().resolveSibling(".tiny.old")).doesNotExist();
  }

  /** What has come may be gigabytes, and must not be taken for something else. */
  @Test
  void interrupt_whileFilesOfThisMachineAreRead_keepsWhatHasCome() throws Exception {
    pull();
    hub.commit = "f".repeat(40);
    hub.put("pytorch_model.bin", new Random(9), 300_000);
    PullOptions second = PullOptions.DEFAULT.withRevision("v2");
    hub.always(hub.filePath("pytorch_model.bin"), exchange -> exchange.close());
    assertThatThrownBy(() -> pull(second)).isInstanceOf(ModelException.class);
    List<String> come = names(staging());
    assertThat(come).contains("config.json", "tokenizer.json");

    PullListener interrupts =
        new PullListener() {
          @Override
          public void replacing(String revision, String commit) {
            Thread.currentThread().interrupt();
          }
        };
    assertThatThrownBy(() -> modelHub().pull(MODEL, second, interrupts))
        .isInstanceOf(InterruptedException.class);

    assertThat(names(staging())).isEqualTo(come);
    assertThat(Thread.interrupted()).isFalse();
  }

  @Test
  void damagedMarker_isNotTrusted() throws Exception {
    pull();
    Files.writeString(folder().resolve(Marker.FILE), "{\"files\": [");
    hub.requests().clear();

    pull();

    assertThat(hub.filesAsked()).isEmpty();
    assertThat(Marker.read(folder())).isNotNull();
  }
}
