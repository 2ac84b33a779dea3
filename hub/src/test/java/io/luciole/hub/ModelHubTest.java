package io.luciole.hub;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.model.ModelException;
import io.luciole.model.ModelFiles;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import org.junit.jupiter.api.Test;

/** What is fetched, from where, and where it ends up. */
final class ModelHubTest extends PullFixture {
  @Test
  void pull_fetchesWhatIsNeeded_andTheModelResolves() throws Exception {
    Path folder = pull();

    assertThat(folder).isEqualTo(folder());
    assertThat(names(folder)).containsExactlyElementsOf(CHECKPOINT);
    for (String name : CHECKPOINT) {
      assertThat(folder.resolve(name)).hasBinaryContent(hub.bytes(name));
    }
    assertThat(hub.filesAsked()).containsExactlyElementsOf(CHECKPOINT);
    ModelFiles files = resolve();
    assertThat(files.name()).isEqualTo(MODEL);
    assertThat(files.weights()).isEqualTo(folder.resolve("pytorch_model.bin"));
    assertThat(files.sparseHead()).isEqualTo(folder.resolve("sparse_linear.pt"));
    assertThat(staging()).doesNotExist();
  }

  @Test
  void listener_hearsBytesUpToTheTotal() throws Exception {
    pull();

    long total = CHECKPOINT.stream().mapToLong(name -> hub.bytes(name).length).sum();
    assertThat(listener.planned).isEqualTo(1);
    assertThat(listener.total).isEqualTo(total);
    assertThat(listener.present).isZero();
    assertThat(listener.bytes).isSorted().endsWith(total);
  }

  @Test
  void safetensors_isPreferred() throws Exception {
    hub.put("model.safetensors", new Random(1), 100);

    assertThat(names(pull())).contains("model.safetensors").doesNotContain("pytorch_model.bin");
  }

  @Test
  void shards_areFetchedWithTheirIndex() throws Exception {
    hub.remove("pytorch_model.bin");
    hub.put(
        "model.safetensors.index.json",
        """
        {"weight_map": {"a": "model-00001-of-00002.safetensors",
                        "b": "model-00002-of-00002.safetensors"}}\
        """);
    hub.put("model-00001-of-00002.safetensors", new Random(1), 100);
    hub.put("model-00002-of-00002.safetensors", new Random(2), 100);

    assertThat(names(pull()))
        .contains(
            "model.safetensors.index.json",
            "model-00001-of-00002.safetensors",
            "model-00002-of-00002.safetensors");
    assertThat(resolve().weights()).isEqualTo(folder().resolve("model.safetensors.index.json"));
  }

  @Test
  void shards_whichTheRepositoryLacks_areNamed() {
    hub.remove("pytorch_model.bin");
    hub.put(
        "model.safetensors.index.json",
        "{\"weight_map\": {\"a\": \"../../x\", \"b\": \"model-00002-of-00002.safetensors\"}}");
    hub.put("model-00002-of-00002.safetensors", new Random(2), 100);

    assertThatThrownBy(this::pull)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("names shards that are not there: [../../x]");
    assertThat(resolves()).isFalse();
    assertThat(hub.filesAsked()).doesNotContain("model-00002-of-00002.safetensors");
  }

  @Test
  void onnx_isFetchedInsteadOfTheCheckpoint_withItsExternalTensors() throws Exception {
    assertThat(names(pull(PullOptions.DEFAULT.withOnnx())))
        .contains("onnx/model.onnx", "onnx/model.onnx_data", "onnx/Constant_7_attr__value")
        .contains("sparse_linear.pt")
        .doesNotContain("pytorch_model.bin", "onnx/tokenizer.json");
    assertThat(resolve().onnx()).isEqualTo(folder().resolve("onnx/model.onnx"));
  }

  /** Such as torch's {@code save_model(…, location="weights.bin")} writes. */
  @Test
  void tensorsInAFileOfAnyName_areFetched_ifTheOnnxFileNamesIt() throws Exception {
    hub.put("onnx/model.onnx", onnxWithTensorsIn("weights.bin"));
    hub.put("onnx/weights.bin", new Random(3), 9_000);
    hub.put("onnx/other.bin", new Random(4), 9_000);

    assertThat(names(pull(PullOptions.DEFAULT.withOnnx())))
        .contains("onnx/weights.bin", "onnx/model.onnx_data")
        .doesNotContain("onnx/other.bin");
    hub.requests().clear();
    assertThat(names(pull(PullOptions.DEFAULT.withOnnx()))).contains("onnx/weights.bin");
    assertThat(hub.filesAsked()).isEmpty();
  }

  @Test
  void tensorsInAFile_whichTheRepositoryLacks_areNamed() {
    hub.put("onnx/model.onnx", onnxWithTensorsIn("../weights.bin"));

    assertThatThrownBy(() -> pull(PullOptions.DEFAULT.withOnnx()))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("onnx/model.onnx names a file for its tensors that is not there")
        .hasMessageEndingWith(": weights.bin");
    assertThat(resolves()).isFalse();
  }

  /** Only the file that the ONNX file names has changed; nothing else tells the revisions apart. */
  @Test
  void tensorsInAFileOfAnyName_areReplaced_ifANewCommitChangesThemAlone() throws Exception {
    hub.put("onnx/model.onnx", onnxWithTensorsIn("weights.bin"));
    hub.put("onnx/weights.bin", new Random(3), 9_000);
    pull(PullOptions.DEFAULT.withOnnx());
    hub.requests().clear();
    hub.commit = "f".repeat(40);
    hub.put("onnx/weights.bin", new Random(4), 9_000);

    Path pulled = pull(PullOptions.DEFAULT.withOnnx());

    assertThat(pulled.resolve("onnx/weights.bin")).hasBinaryContent(hub.bytes("onnx/weights.bin"));
    assertThat(marker().commit()).isEqualTo(hub.commit);
    assertThat(hub.filesAsked()).containsExactly("onnx/weights.bin");
  }

  @Test
  void tensorsInAFileOfAnyName_whichWasDeleted_areFetchedAgain() throws Exception {
    hub.put("onnx/model.onnx", onnxWithTensorsIn("weights.bin"));
    hub.put("onnx/weights.bin", new Random(3), 9_000);
    Path weights = pull(PullOptions.DEFAULT.withOnnx()).resolve("onnx/weights.bin");
    Files.delete(weights);

    pull(PullOptions.DEFAULT.withOnnx());

    assertThat(weights).hasBinaryContent(hub.bytes("onnx/weights.bin"));
  }

  @Test
  void tensorsInAFileOfAnyName_areComparedToo_inAFolderOfOthers() throws Exception {
    hub.put("onnx/model.onnx", onnxWithTensorsIn("weights.bin"));
    hub.put("onnx/weights.bin", new Random(3), 9_000);
    Path pulled = pull(PullOptions.DEFAULT.withOnnx());
    Files.delete(pulled.resolve(Marker.FILE));
    Files.write(pulled.resolve("onnx/weights.bin"), new byte[9_000]);

    assertThatThrownBy(() -> pull(PullOptions.DEFAULT.withOnnx()))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("its onnx/weights.bin is not the hub's");
  }

  @Test
  void tensorsInAFileOfAnyName_areFetched_ifHuggingFacesCacheLacksThem() throws Exception {
    hub.remove("pytorch_model.bin");
    hub.put("onnx/model.onnx", onnxWithTensorsIn("weights.bin"));
    hub.put("onnx/weights.bin", new Random(3), 9_000);
    huggingFaceSnapshot(
        FakeHub.COMMIT,
        List.of(
            "1_Pooling/config.json",
            "colbert_linear.pt",
            "config.json",
            "onnx/Constant_7_attr__value",
            "onnx/model.onnx",
            "onnx/model.onnx_data",
            "sparse_linear.pt",
            "tokenizer.json",
            "tokenizer_config.json"));

    assertThat(pull()).isEqualTo(folder());

    assertThat(folder().resolve("onnx/weights.bin")).isRegularFile();
    assertThat(hub.filesAsked()).containsExactly("onnx/weights.bin");
  }

  @Test
  void tensorsInAFile_whichHuggingFacesCacheHas_areTakenFromThere() throws Exception {
    hub.put("onnx/model.onnx", onnxWithTensorsIn("weights.bin"));
    hub.put("onnx/weights.bin", new Random(3), 9_000);
    huggingFaceSnapshot(FakeHub.COMMIT, List.of("onnx/model.onnx", "onnx/weights.bin"));

    pull(PullOptions.DEFAULT.withOnnx());

    assertThat(folder().resolve("onnx/weights.bin"))
        .hasBinaryContent(hub.bytes("onnx/weights.bin"));
    assertThat(hub.filesAsked()).doesNotContain("onnx/weights.bin");
  }

  /** As in a folder of a version that did not look which files an ONNX file names. */
  @Test
  void tensorsInAFileOfAnyName_areFetched_ifTheFolderIsFromBeforeTheyWere() throws Exception {
    hub.put("onnx/model.onnx", onnxWithTensorsIn("weights.bin"));
    hub.put("onnx/weights.bin", new Random(3), 9_000);
    Path weights = pull(PullOptions.DEFAULT.withOnnx()).resolve("onnx/weights.bin");
    Files.delete(weights);
    Map<String, RemoteFile> without = new TreeMap<>(marker().files());
    without.remove("onnx/weights.bin");
    new Marker(MODEL, "main", hub.commit, without, false).write(folder());

    pull(PullOptions.DEFAULT.withOnnx());

    assertThat(weights).hasBinaryContent(hub.bytes("onnx/weights.bin"));
    assertThat(marker().hasNamedTensors()).isTrue();
  }

  /** To read them takes 0.1 s of a large file, and the folder says that it has been done. */
  @Test
  void tensors_ofFilesThatAreAllHere_areNotLookedForAgain() throws Exception {
    hub.put("onnx/model.onnx", onnxWithTensorsIn("weights.bin"));
    hub.put("onnx/weights.bin", new Random(3), 9_000);
    Path onnx = pull(PullOptions.DEFAULT.withOnnx()).resolve("onnx/model.onnx");
    Files.writeString(onnx, onnxWithTensorsIn("missing.bin"), ISO_8859_1);

    assertThat(pull(PullOptions.DEFAULT.withOnnx())).isEqualTo(folder());
  }

  /** The listing of a mirror may leave out sizes and digests. */
  @Test
  void filesOfAnEarlierPull_stay_ifTheListingDoesNotDescribeThem() throws Exception {
    hub.hasBlobs = false;
    hub.put("onnx/model.onnx", onnxWithTensorsIn("weights.bin"));
    hub.put("onnx/weights.bin", new Random(3), 9_000);
    for (String file : hub.paths()) {
      byte[] bytes = hub.bytes(file);
      hub.always(
          hub.filePath(file),
          exchange -> {
            exchange.getResponseHeaders().set("ETag", '"' + FakeHub.gitBlob(bytes) + '"');
            FakeHub.file(bytes).to(exchange);
          });
    }
    pull(PullOptions.DEFAULT.withOnnx());

    assertThat(names(pull(PullOptions.DEFAULT)))
        .contains("pytorch_model.bin", "onnx/model.onnx", "onnx/weights.bin");
    assertThat(marker().files()).containsKeys("pytorch_model.bin", "onnx/weights.bin");
    hub.requests().clear();
    pull(PullOptions.DEFAULT);
    assertThat(hub.requests())
        .noneMatch(r -> r.method().equals("GET") && r.path().contains("resolve"));
  }

  @Test
  void tensorsAtAnAbsolutePath_inARelativeCacheFolder_areNamed() {
    cache = Path.of("").toAbsolutePath().relativize(cache.toAbsolutePath());
    hub.put("onnx/model.onnx", onnxWithTensorsIn("/etc/passwd"));

    assertThatThrownBy(() -> pull(PullOptions.DEFAULT.withOnnx()))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("onnx/model.onnx names a file for its tensors that is not there")
        .hasMessageEndingWith("/etc/passwd");
  }

  /** An ONNX model of one initializer, whose bytes are in another file. */
  static String onnxWithTensorsIn(String file) {
    String location = field(1, "location") + field(2, file);
    String tensor = field(8, "w") + field(13, location) + (char) (14 << 3) + (char) 1;
    return field(7, field(5, tensor));
  }

  /** A field of a message that holds a string or a message, in ASCII. */
  private static String field(int number, String content) {
    assertThat(content.length()).isLessThan(128);
    return "" + (char) ((number << 3) | 2) + (char) content.length() + content;
  }

  @Test
  void onnx_isFetchedWhereThereIsNoCheckpoint() throws Exception {
    hub.remove("pytorch_model.bin");

    pull();

    assertThat(resolve().onnx()).isEqualTo(folder().resolve("onnx/model.onnx"));
  }

  @Test
  void onnx_pulledBefore_staysWithTheCheckpoint() throws Exception {
    pull(PullOptions.DEFAULT.withOnnx());
    hub.requests().clear();

    pull();

    assertThat(names(folder())).contains("onnx/model.onnx", "pytorch_model.bin");
    assertThat(hub.filesAsked()).containsExactly("pytorch_model.bin");
  }

  @Test
  void redirect_toAnotherServer_getsNoToken() throws Exception {
    environment.put("HF_TOKEN", "hf_secret");
    try (FakeHub cdn = new FakeHub()) {
      String file = "pytorch_model.bin";
      cdn.always("/blob", FakeHub.file(hub.bytes(file)));
      hub.always(hub.filePath(file), FakeHub.redirect(302, cdn.endpoint() + "/blob?sig=a b"));

      pull();

      assertThat(folder().resolve(file)).hasBinaryContent(hub.bytes(file));
      assertThat(cdn.requests()).hasSize(1).allMatch(r -> r.authorization() == null);
      assertThat(hub.requests()).allMatch(r -> "Bearer hf_secret".equals(r.authorization()));
    }
  }

  @Test
  void redirect_withinTheHub_isFollowed_withTheToken() throws Exception {
    environment.put("HF_TOKEN", "hf_secret");
    hub.next(hub.listingPath(), FakeHub.redirect(307, "/api/models/new-name"));
    hub.always("/api/models/new-name", e -> FakeHub.send(e, 200, hub.listing()));

    pull();

    assertThat(hub.requests()).allMatch(r -> "Bearer hf_secret".equals(r.authorization()));
  }

  @Test
  void redirect_inCircles_ends() {
    hub.always(hub.listingPath(), FakeHub.redirect(302, hub.listingPath()));

    assertThatThrownBy(this::pull)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("redirects 10 times and more");
    assertThat(hub.requests()).hasSize(HubClient.MAX_REDIRECTS + 1);
  }

  @Test
  void redirect_toAFile_isRefused() {
    hub.always(hub.listingPath(), FakeHub.redirect(302, "file:///etc/passwd"));

    assertThatThrownBy(this::pull)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("not safe to follow, of scheme \"file\"");
  }

  @Test
  void token_isReadFromTheFileOfHuggingFacesTools() throws Exception {
    Files.createDirectories(hfHome);
    Files.writeString(hfHome.resolve("token"), "hf_from_file\n");

    pull();

    assertThat(hub.requests()).allMatch(r -> "Bearer hf_from_file".equals(r.authorization()));
  }

  @Test
  void revision_isAskedForAndKept() throws Exception {
    pull(PullOptions.DEFAULT.withRevision("v1.0"));

    assertThat(hub.requests().get(0).path()).isEqualTo(FakeHub.listingPath("v1.0"));
    assertThat(marker().revision()).isEqualTo("v1.0");
    assertThat(marker().commit()).isEqualTo(FakeHub.COMMIT);
  }

  @Test
  void anotherRevision_takesTheLastOnesPlace_andThatIsTold() throws Exception {
    pull();
    hub.always(FakeHub.listingPath("v2"), exchange -> FakeHub.send(exchange, 200, hub.listing()));
    pull(PullOptions.DEFAULT.withRevision("v2"));
    pull(PullOptions.DEFAULT.withRevision("v2"));

    assertThat(listener.replaced).containsExactly("main " + FakeHub.COMMIT);
    assertThat(marker().revision()).isEqualTo("v2");
  }

  @Test
  void complete_model_isNotFetchedAgain() throws Exception {
    pull();
    hub.requests().clear();

    assertThat(pull()).isEqualTo(folder());

    assertThat(hub.requests()).hasSize(1);
    assertThat(hub.filesAsked()).isEmpty();
    assertThat(listener.planned).isEqualTo(1);
  }

  @Test
  void lostFile_isFetchedAlone() throws Exception {
    pull();
    hub.requests().clear();
    Files.delete(folder().resolve("sparse_linear.pt"));

    pull();

    assertThat(hub.filesAsked()).containsExactly("sparse_linear.pt");
    assertThat(names(folder())).containsExactlyElementsOf(CHECKPOINT);
  }

  @Test
  void newCommit_replacesWhatChanged_andKeepsTheUsersOwnFiles() throws Exception {
    pull();
    Files.writeString(folder().resolve("luciole.json"), "{\"maxTokens\": 32}");
    hub.requests().clear();
    hub.commit = "ffffffffffffffffffffffffffffffffffffffff";
    hub.put("colbert_linear.pt", new Random(7), 500);
    hub.remove("tokenizer_config.json");

    pull();

    assertThat(hub.filesAsked()).containsExactly("colbert_linear.pt");
    assertThat(folder().resolve("colbert_linear.pt"))
        .hasBinaryContent(hub.bytes("colbert_linear.pt"));
    assertThat(names(folder()))
        .contains("luciole.json", "pytorch_model.bin")
        .doesNotContain("tokenizer_config.json");
    assertThat(resolve().description().maxTokens()).isEqualTo(32);
    assertThat(marker().commit()).isEqualTo(hub.commit);
    try (var beside = Files.list(folder().getParent())) {
      assertThat(beside.map(p -> p.getFileName().toString()))
          .containsExactlyInAnyOrder("tiny", ".tiny.lock");
    }
  }

  @Test
  void listing_withoutSizesAndDigests_isCompletedByHeaders() throws Exception {
    hub.hasBlobs = false;
    for (String name : CHECKPOINT) {
      byte[] bytes = hub.bytes(name);
      boolean large = name.endsWith(".bin");
      hub.always(
          hub.filePath(name),
          exchange -> {
            if (large && exchange.getRequestMethod().equals("HEAD")) {
              FakeHub.status(
                      302,
                      "Location",
                      "http://cdn.invalid/blob",
                      "X-Linked-Size",
                      Integer.toString(bytes.length),
                      "X-Linked-Etag",
                      "\"" + FakeHub.sha256(bytes) + "\"")
                  .to(exchange);
              return;
            }
            exchange.getResponseHeaders().set("ETag", "\"" + FakeHub.gitBlob(bytes) + "\"");
            FakeHub.file(bytes).to(exchange);
          });
    }

    assertThat(names(pull())).containsExactlyElementsOf(CHECKPOINT);
    assertThat(marker().files().get("pytorch_model.bin"))
        .isEqualTo(
            new RemoteFile(
                "pytorch_model.bin",
                300_000,
                ContentDigest.of(FakeHub.sha256(hub.bytes("pytorch_model.bin")))));
  }

  @Test
  void digest_thatNobodySays_isAnError() {
    hub.hasBlobs = false;

    assertThatThrownBy(this::pull)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("does not say size and digest of");
  }

  @Test
  void name_thatIsNone_isRefused() {
    for (String name : List.of("gpt2", "../x", "a/../b", "/a/b", "a/b/c", "a\\b/c", ".a/b", "")) {
      assertThatThrownBy(() -> modelHub().pull(name, PullOptions.DEFAULT, listener))
          .isInstanceOf(IllegalArgumentException.class)
          .hasMessageContaining("expected a hub name such as BAAI/bge-m3, got \"" + name);
    }
    assertThat(hub.requests()).isEmpty();
  }
}
