package io.luciole.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.model.ModelException;
import io.luciole.model.ModelSource;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The hub's answers as its documentation and its own client's tests have them: content stores
 * behind redirects, xet, renamed and closed repositories, limits of the rate, revisions.
 */
final class HubAnswersTest extends PullFixture {
  private static final String WEIGHTS = "pytorch_model.bin";
  private static final String SIGNED = "/xet-bridge-us/65/ab12?X-Amz-Signature=0a%2F1b&Expires=9";

  private FakeHub store;

  @BeforeEach
  void openStore() throws Exception {
    store = new FakeHub();
    environment.put("HF_TOKEN", "hf_secret");
  }

  @AfterEach
  void closeStore() {
    store.close();
  }

  /** The answer for a large file: where it is, what it is, and how xet's clients would get it. */
  private FakeHub.Answer pointer(String file, String location) {
    byte[] bytes = hub.bytes(file);
    return FakeHub.status(
        302,
        "Location",
        location,
        "X-Linked-Etag",
        '"' + FakeHub.sha256(bytes) + '"',
        "X-Linked-Size",
        Integer.toString(bytes.length),
        "X-Repo-Commit",
        FakeHub.COMMIT,
        "X-Xet-Hash",
        "0f".repeat(32),
        "Link",
        "<" + hub.endpoint() + "/api/models/x/xet-read-token/1>; rel=\"xet-auth\"",
        "ETag",
        "\"of-the-redirect\"");
  }

  private String failure() {
    String message =
        String.valueOf(
            assertThatExceptionOfType(ModelException.class)
                .isThrownBy(this::pull)
                .actual()
                .getMessage());
    assertThat(message).doesNotContain("\n").doesNotContain("hf_secret");
    return message;
  }

  @Test
  void contentStore_isAskedWithoutTheToken_andResumedByRange() throws Exception {
    byte[] bytes = hub.bytes(WEIGHTS);
    hub.always(hub.filePath(WEIGHTS), pointer(WEIGHTS, store.endpoint() + SIGNED));
    String path = SIGNED.substring(0, SIGNED.indexOf('?'));
    store.next(path, FakeHub.cut(bytes, 120_000));
    store.always(path, FakeHub.file(bytes));

    pull();

    assertThat(folder().resolve(WEIGHTS)).hasBinaryContent(bytes);
    assertThat(store.requests()).hasSize(2).allMatch(r -> r.authorization() == null);
    assertThat(store.requests().get(0).range()).isNull();
    assertThat(store.requests().get(1).range()).matches("bytes=\\d+-");
    assertThat(hub.requests(WEIGHTS)).hasSize(2);
    assertThat(hub.requests()).noneMatch(r -> r.path().contains("xet"));
  }

  @Test
  void sizeAndDigest_areThoseOfTheFirstAnswer_notOfTheStore() throws Exception {
    hub.hasBlobs = false;
    byte[] bytes = hub.bytes(WEIGHTS);
    hub.always(hub.filePath(WEIGHTS), pointer(WEIGHTS, store.endpoint() + "/blob"));
    store.always(
        "/blob",
        exchange -> {
          exchange.getResponseHeaders().set("ETag", "\"d41d8cd98f00b204e9800998ecf8427e-7\"");
          FakeHub.file(bytes).to(exchange);
        });
    describeSmallFiles();

    pull();

    assertThat(folder().resolve(WEIGHTS)).hasBinaryContent(bytes);
    assertThat(store.requests()).extracting(FakeHub.Request::method).containsExactly("GET");
  }

  /** A mirror whose listing names files alone tells the rest of them when asked. */
  private void describeSmallFiles() {
    for (String file : CHECKPOINT) {
      if (!file.equals(WEIGHTS)) {
        byte[] bytes = hub.bytes(file);
        boolean large = file.endsWith(".pt");
        hub.always(
            hub.filePath(file),
            exchange -> {
              String tag = large ? FakeHub.sha256(bytes) : FakeHub.gitBlob(bytes);
              exchange.getResponseHeaders().set("ETag", '"' + tag + '"');
              FakeHub.send(exchange, 200, bytes);
            });
      }
    }
  }

  @Test
  void etagOfOtherContent_isAnErrorWithBothDigests() {
    hub.hasBlobs = false;
    describeSmallFiles();
    String wrong = FakeHub.sha256("other".getBytes(StandardCharsets.UTF_8));
    byte[] bytes = hub.bytes(WEIGHTS);
    hub.always(
        hub.filePath(WEIGHTS),
        exchange -> {
          exchange.getResponseHeaders().set("X-Linked-Etag", '"' + wrong + '"');
          exchange.getResponseHeaders().set("X-Linked-Size", Integer.toString(bytes.length));
          FakeHub.redirect(302, store.endpoint() + "/blob").to(exchange);
        });
    store.always("/blob", FakeHub.file(bytes));

    assertThat(failure()).contains(wrong, FakeHub.sha256(bytes));
  }

  @Test
  void relativeRedirect_toTheCacheOfTheHub_isFollowed_withTheToken() throws Exception {
    String cached = "/api/resolve-cache/models/" + MODEL + "/" + FakeHub.COMMIT + "/config.json";
    hub.always(hub.filePath("config.json"), FakeHub.redirect(307, cached + "?etag=%22ab%22"));
    hub.always(cached, FakeHub.file(hub.bytes("config.json")));

    pull();

    assertThat(folder().resolve("config.json")).hasBinaryContent(hub.bytes("config.json"));
    assertThat(hub.requests()).allMatch(r -> "Bearer hf_secret".equals(r.authorization()));
  }

  @Test
  void renamedRepository_isFollowed_andKeepsTheNameThatWasAskedFor() throws Exception {
    String listing = "/api/models/new-org/new-name/revision/main";
    hub.always(hub.listingPath(), FakeHub.redirect(307, listing + "?blobs=true"));
    hub.always(listing, exchange -> FakeHub.send(exchange, 200, hub.listing()));
    String moved = "/new-org/new-name/resolve/" + FakeHub.COMMIT + "/" + WEIGHTS;
    hub.always(hub.filePath(WEIGHTS), FakeHub.redirect(307, moved));
    hub.always(moved, pointer(WEIGHTS, store.endpoint() + "/blob"));
    store.always("/blob", FakeHub.file(hub.bytes(WEIGHTS)));

    assertThat(pull()).isEqualTo(folder());
    assertThat(resolves()).isTrue();
    assertThat(store.requests()).allMatch(r -> r.authorization() == null);
  }

  @Test
  void gatedModel_namesTheTokenThatHasNoAccess() {
    hub.always(
        hub.listingPath(),
        FakeHub.status(
            403,
            "X-Error-Code",
            "GatedRepo",
            "X-Error-Message",
            "Access to model luciole-test/tiny is restricted and you are not in the authorized list."));

    assertThat(failure()).contains("is gated", "the token of HF_TOKEN has no access");
  }

  @Test
  void disabledRepository_isNoMatterOfTheToken() {
    hub.always(
        hub.listingPath(),
        FakeHub.status(403, "X-Error-Message", "Access to this resource is disabled."));

    assertThat(failure())
        .contains("has disabled the model luciole-test/tiny")
        .doesNotContain("HF_TOKEN");
  }

  @Test
  void entryNotFound_namesTheFile() {
    hub.always(
        hub.filePath(WEIGHTS),
        FakeHub.status(404, "X-Error-Code", "EntryNotFound", "X-Error-Message", "Entry not found"));

    assertThat(failure()).contains(WEIGHTS, "has it not");
  }

  @Test
  void rateLimit_isWaitedFor_asTheHubTellsWhenItBeginsAnew() throws Exception {
    hub.next(
        hub.listingPath(),
        FakeHub.status(
            429,
            "RateLimit",
            "\"api\";r=0;t=55",
            "RateLimit-Policy",
            "\"fixed window\";\"api\";q=500;w=300"));

    pull();

    assertThat(pauses).containsExactly(Duration.ofSeconds(55));
  }

  @Test
  void encodedFile_isRefusedWithItsEncoding() {
    hub.always(
        hub.filePath(WEIGHTS),
        exchange -> {
          exchange.getResponseHeaders().set("Content-Encoding", "gzip");
          FakeHub.file(hub.bytes(WEIGHTS)).to(exchange);
        });

    assertThat(failure()).contains(WEIGHTS, "encoded as gzip");
  }

  @Test
  void proxyThatDoesNotAnswer_isNamedWithoutItsLogin() throws Exception {
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    environment.put("HF_ENDPOINT", "http://hub.example");
    environment.put("HTTP_PROXY", "http://me:hf_secret@127.0.0.1:" + port);

    assertThat(failure()).contains("hub.example", "through the proxy 127.0.0.1:" + port);
  }

  @Test
  void nameWithARevision_isPulledAndResolved_andNoOther() throws Exception {
    hub.always(FakeHub.listingPath("v2"), exchange -> FakeHub.send(exchange, 200, hub.listing()));

    Path pulled = modelHub().pull(MODEL + "@v2", PullOptions.DEFAULT, listener);

    assertThat(marker().revision()).isEqualTo("v2");
    for (String name : List.of("@v2", "@" + FakeHub.COMMIT, "@0123456", "")) {
      assertThat(ModelSource.parse(MODEL + name).resolve().folder()).isEqualTo(pulled);
    }
    assertThat(ModelSource.parse(MODEL + "@v2").resolve().name()).isEqualTo(MODEL + "@v2");
    for (String name : List.of("@main", "@v1", "@0000000")) {
      assertThatThrownBy(() -> ModelSource.parse(MODEL + name).resolve())
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("luciole pull " + MODEL + name);
    }
    assertThatThrownBy(
            () -> modelHub().pull(MODEL + "@v2", PullOptions.DEFAULT.withRevision("v1"), listener))
        .isInstanceOf(IllegalArgumentException.class)
        .hasMessageContaining("v1");
  }

  @Test
  void main_isWhatAPullWithoutARevisionFetches() throws Exception {
    pull();

    assertThat(ModelSource.parse(MODEL + "@main").resolve().folder()).isEqualTo(folder());
  }

  @Test
  void revisionOfHuggingFacesCache_isFoundByBranchTagAndCommit() throws Exception {
    String other = "fedcba9876543210fedcba9876543210fedcba98";
    Path main = huggingFaceSnapshot(FakeHub.COMMIT, CHECKPOINT);
    Path tagged = huggingFaceSnapshot(other, CHECKPOINT);
    Path refs = hfHome.resolve("hub/models--" + MODEL.replace("/", "--") + "/refs");
    Files.writeString(refs.resolve("main"), FakeHub.COMMIT);
    Files.createDirectories(refs.resolve("refs/pr"));
    Files.writeString(refs.resolve("refs/pr/7"), other);
    environment.put("HF_HUB_OFFLINE", "1");

    for (String name : List.of(MODEL, MODEL + "@main", MODEL + "@" + FakeHub.COMMIT)) {
      assertThat(modelHub().pull(name, PullOptions.DEFAULT, listener)).isEqualTo(main);
    }
    for (String name : List.of(MODEL + "@refs/pr/7", MODEL + "@" + other)) {
      assertThat(modelHub().pull(name, PullOptions.DEFAULT, listener)).isEqualTo(tagged);
    }
  }
}
