package io.luciole.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatExceptionOfType;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.model.ModelException;
import java.io.IOException;
import java.net.ServerSocket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.Arrays;
import java.util.Random;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicReference;
import org.awaitility.Awaitility;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;

/** Connections that break, servers that err, disks that are full. */
final class PullFailureTest extends PullFixture {
  private static final String WEIGHTS = "pytorch_model.bin";

  private byte[] weights() {
    return hub.bytes(WEIGHTS);
  }

  private void assertPulled() {
    assertThat(folder().resolve(WEIGHTS)).hasBinaryContent(weights());
    assertThat(resolves()).isTrue();
  }

  /** A pull that fails leaves nothing that resolves. */
  private String failure() {
    String message =
        String.valueOf(
            assertThatExceptionOfType(ModelException.class)
                .isThrownBy(this::pull)
                .actual()
                .getMessage());
    assertThat(message).doesNotContain("\n").doesNotContain("hf_secret");
    assertThat(resolves()).isFalse();
    return message;
  }

  @Test
  void cutConnection_isTakenUpByRange() throws Exception {
    hub.next(hub.filePath(WEIGHTS), FakeHub.cut(weights(), 120_000));

    pull();

    assertPulled();
    assertThat(hub.requests(WEIGHTS)).hasSize(2);
    String range = String.valueOf(hub.requests(WEIGHTS).get(1).range());
    // What was under way when the connection broke may be lost, not what came before.
    assertThat(Integer.parseInt(range.replaceAll("\\D", ""))).isBetween(1, 120_000);
    assertThat(listener.retries).hasSize(1);
    assertThat(pauses).containsExactly(Duration.ofSeconds(1));
  }

  @Test
  void cutConnection_beforeTheAnswer_isRetried() throws Exception {
    // Two for each attempt, since Java's client makes such a request once more by itself.
    hub.next(hub.listingPath(), exchange -> {}, exchange -> {}, exchange -> {}, exchange -> {});

    pull();

    assertPulled();
    assertThat(pauses).startsWith(Duration.ofSeconds(1), Duration.ofSeconds(2));
  }

  @Test
  void progress_startsTheCountOfAttemptsAnew() throws Exception {
    byte[] bytes = new byte[700_000];
    new Random(3).nextBytes(bytes);
    hub.put(WEIGHTS, new Random(3), 700_000);
    FakeHub.Answer cutting =
        exchange -> {
          String range = exchange.getRequestHeaders().getFirst("Range");
          int from = range == null ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
          exchange.getResponseHeaders().set("Content-Range", "bytes " + from + "-699999/700000");
          exchange.sendResponseHeaders(from == 0 ? 200 : 206, 700_000 - from);
          exchange.getResponseBody().write(bytes, from, Math.min(130_000, 700_000 - from));
        };
    hub.always(hub.filePath(WEIGHTS), cutting);

    pull();

    assertPulled();
    assertThat(hub.requests(WEIGHTS)).hasSizeGreaterThan(4);
    assertThat(pauses).containsOnly(Duration.ofSeconds(1));
  }

  @Test
  void connection_thatAlwaysBreaks_isGivenUp_andTheNextPullGoesOn() throws Exception {
    hub.next(hub.filePath(WEIGHTS), FakeHub.cut(weights(), 50_000));
    hub.always(hub.filePath(WEIGHTS), exchange -> {});

    assertThat(failure())
        .startsWith("Cannot fetch pytorch_model.bin (4 attempts): ")
        .contains("what has come is kept");
    assertThat(pauses)
        .containsExactly(Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofSeconds(4));
    assertThat(Files.size(staging().resolve(WEIGHTS + ".part"))).isPositive();

    hub.normally(hub.filePath(WEIGHTS));
    hub.requests().clear();
    pull();

    assertPulled();
    assertThat(hub.filesAsked()).containsExactly(WEIGHTS);
    assertThat(hub.requests(WEIGHTS).get(0).range()).isNotNull();
    assertThat(listener.present).isPositive();
  }

  @Test
  void silentConnection_isTakenUpByRange() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    stall = Duration.ofMillis(1_500);
    hub.next(hub.filePath(WEIGHTS), FakeHub.hang(weights(), 100_000, never));

    pull();

    assertPulled();
    assertThat(listener.retries).anyMatch(line -> line.contains("no byte came for"));
    assertThat(hub.requests(WEIGHTS).get(1).range()).isNotNull();
  }

  @Test
  void silentServer_isRetried() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    stall = Duration.ofMillis(1_500);
    hub.next(
        hub.listingPath(),
        exchange -> {
          try {
            never.await();
          } catch (InterruptedException e) {
            Thread.currentThread().interrupt();
          }
        });

    pull();

    assertPulled();
    assertThat(listener.retries).anyMatch(line -> line.contains("gave no answer for"));
  }

  @Test
  void server_thatIgnoresRanges_sendsAllAgain() throws Exception {
    hub.next(hub.filePath(WEIGHTS), FakeHub.cut(weights(), 100_000), FakeHub.whole(weights()));

    pull();

    assertPulled();
    assertThat(hub.requests(WEIGHTS)).hasSize(2);
  }

  @Test
  void server_thatSendsAnotherRange_isAskedAnew() throws Exception {
    hub.next(
        hub.filePath(WEIGHTS),
        FakeHub.cut(weights(), 100_000),
        exchange -> {
          exchange.getResponseHeaders().set("Content-Range", "bytes 5-299999/300000");
          FakeHub.send(exchange, 206, Arrays.copyOfRange(weights(), 5, 300_000));
        });

    pull();

    assertPulled();
    assertThat(hub.requests(WEIGHTS)).hasSize(3);
    assertThat(hub.requests(WEIGHTS).get(2).range()).isNull();
  }

  @Test
  void server_thatRefusesTheRange_isAskedForAll() throws Exception {
    hub.next(hub.filePath(WEIGHTS), FakeHub.cut(weights(), 100_000), FakeHub.status(416));

    pull();

    assertPulled();
    assertThat(hub.requests(WEIGHTS).get(2).range()).isNull();
  }

  @Test
  void part_thatIsWholeAlready_isCheckedAndTaken() throws Exception {
    stopBeforeTheWeights();
    Files.write(staging().resolve(WEIGHTS + ".part"), weights());

    pull();

    assertPulled();
    assertThat(hub.filesAsked()).doesNotContain(WEIGHTS);
  }

  @Test
  void part_thatIsTooLong_isThrownAway() throws Exception {
    stopBeforeTheWeights();
    Files.write(staging().resolve(WEIGHTS + ".part"), new byte[300_001]);

    pull();

    assertPulled();
    assertThat(hub.requests(WEIGHTS).get(0).range()).isNull();
  }

  @Test
  void part_ofOtherContent_isFetchedAnewOnce() throws Exception {
    stopBeforeTheWeights();
    Files.write(staging().resolve(WEIGHTS + ".part"), new byte[1_000]);

    pull();

    assertPulled();
    assertThat(hub.requests(WEIGHTS))
        .extracting(FakeHub.Request::range)
        .containsExactly("bytes=1000-", null);
  }

  @Test
  void part_ofAnEarlierCommit_isThrownAway() throws Exception {
    stopBeforeTheWeights();
    Files.write(staging().resolve(WEIGHTS + ".part"), Arrays.copyOf(weights(), 1_000));
    hub.commit = "ffffffffffffffffffffffffffffffffffffffff";
    hub.put(WEIGHTS, new Random(9), 200_000);

    pull();

    assertPulled();
    assertThat(hub.requests(WEIGHTS)).hasSize(1).allMatch(r -> r.range() == null);
    // The other files are of the same content as before.
    assertThat(hub.filesAsked()).containsExactly(WEIGHTS);
  }

  /** Leaves a staging folder with all but the weights. */
  private void stopBeforeTheWeights() {
    hub.always(hub.filePath(WEIGHTS), FakeHub.status(404));
    assertThat(failure()).contains("The hub lists the file pytorch_model.bin");
    hub.normally(hub.filePath(WEIGHTS));
    hub.requests().clear();
  }

  @Test
  void wrongLength_announced_isRetriedOnce() throws Exception {
    byte[] shorter = Arrays.copyOf(weights(), 1_000);
    hub.next(hub.filePath(WEIGHTS), FakeHub.whole(shorter));

    pull();

    assertPulled();
    assertThat(hub.requests(WEIGHTS)).hasSize(2);
  }

  @Test
  void wrongLength_twice_isAnErrorWithBothLengths() {
    hub.always(hub.filePath(WEIGHTS), FakeHub.whole(new byte[1_000]));

    assertThat(failure())
        .contains("The file pytorch_model.bin came twice")
        .contains("expected 300000 bytes, the server announces 1000");
    assertThat(hub.requests(WEIGHTS)).hasSize(2);
  }

  @Test
  void moreBytesThanListed_areNotTaken() throws IOException {
    hub.always(
        hub.filePath(WEIGHTS),
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          exchange.getResponseBody().write(new byte[400_000]);
        });

    assertThat(failure()).contains("expected 300000 bytes, the server sends more");
    assertThat(staging().resolve(WEIGHTS + ".part")).doesNotExist();
  }

  @Test
  void wrongDigest_once_isFetchedAnew() throws Exception {
    byte[] flipped = weights().clone();
    flipped[150_000] ^= 1;
    hub.next(hub.filePath(WEIGHTS), FakeHub.whole(flipped));

    pull();

    assertPulled();
    assertThat(listener.retries).singleElement().asString().contains("expected the SHA-256");
  }

  @Test
  void wrongDigest_twice_isAnErrorWithBothDigests() {
    byte[] flipped = weights().clone();
    flipped[150_000] ^= 1;
    hub.always(hub.filePath(WEIGHTS), FakeHub.file(flipped));

    assertThat(failure())
        .contains("The file pytorch_model.bin came twice")
        .contains(FakeHub.sha256(weights()))
        .contains(FakeHub.sha256(flipped));
    assertThat(hub.requests(WEIGHTS)).hasSize(2).allMatch(r -> r.range() == null);
    assertThat(staging().resolve(WEIGHTS + ".part")).doesNotExist();
    assertThat(staging().resolve(WEIGHTS)).doesNotExist();
  }

  @Test
  void wrongDigest_ofASmallFile_isFound() {
    hub.always(
        hub.filePath("config.json"), FakeHub.whole(new byte[hub.bytes("config.json").length]));

    assertThat(failure())
        .contains("config.json")
        .contains("expected the git SHA-1 " + FakeHub.gitBlob(hub.bytes("config.json")));
  }

  @Test
  void unauthorized_saysWhatMayBeMeant() {
    hub.always(hub.listingPath(), FakeHub.status(401, "X-Error-Code", "RepoNotFound"));

    assertThat(failure())
        .contains("The hub has no model luciole-test/tiny for everyone: check the spelling")
        .contains("set HF_TOKEN");
    assertThat(pauses).isEmpty();
  }

  @Test
  void unauthorized_withAToken_namesItsSource() {
    environment.put("HF_TOKEN", "hf_secret");
    hub.always(
        hub.listingPath(),
        FakeHub.status(401, "X-Error-Message", "Invalid credentials in Authorization header"));

    assertThat(failure()).contains("refuses the token of HF_TOKEN (Invalid credentials");
  }

  @Test
  void gatedModel_saysWhereTheLicenceIs() {
    for (int status : new int[] {401, 403}) {
      hub.always(hub.filePath("config.json"), FakeHub.status(status, "X-Error-Code", "GatedRepo"));

      assertThat(failure())
          .contains("is gated")
          .contains("accept its licence on " + hub.endpoint() + "/luciole-test/tiny")
          .contains("HF_TOKEN");
    }
  }

  @Test
  void forbidden_saysSo() {
    hub.always(hub.listingPath(), FakeHub.status(403, "X-Error-Message", "This is\tdisabled."));

    assertThat(failure()).contains("does not give the model luciole-test/tiny (This is disabled.)");
  }

  @Test
  void notFound_saysToCheckTheSpelling() {
    hub.always(hub.listingPath(), FakeHub.status(404, "X-Error-Code", "RepoNotFound"));

    assertThat(failure()).contains("There is no model luciole-test/tiny").contains("spelling");
  }

  @Test
  void revisionNotFound_namesIt() {
    hub.always(
        FakeHub.listingPath("nope"), FakeHub.status(404, "X-Error-Code", "RevisionNotFound"));

    assertThatThrownBy(() -> pull(PullOptions.DEFAULT.withRevision("nope")))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("has no revision \"nope\"");
  }

  @Test
  void tooManyRequests_waitsAsLongAsAsked() throws Exception {
    hub.next(hub.filePath(WEIGHTS), FakeHub.status(429, "Retry-After", "17"));

    pull();

    assertPulled();
    assertThat(pauses).containsExactly(Duration.ofSeconds(17));
  }

  @Test
  void tooManyRequests_untilADate_waitsForIt() throws Exception {
    String date =
        DateTimeFormatter.RFC_1123_DATE_TIME.format(
            ZonedDateTime.now(ZoneOffset.UTC).plusSeconds(100));
    hub.next(hub.filePath(WEIGHTS), FakeHub.status(429, "Retry-After", date));

    pull();

    assertThat(pauses)
        .singleElement()
        .satisfies(p -> assertThat(p).isBetween(Duration.ofSeconds(30), Duration.ofSeconds(100)));
  }

  @Test
  void tooManyRequests_forAnHour_isNotWaitedFor() {
    hub.always(hub.listingPath(), FakeHub.status(429, "Retry-After", "3600"));

    assertThat(failure()).contains("127.0.0.1 answered 429");
    assertThat(pauses).isEmpty();
  }

  @Test
  void serverError_isRetried() throws Exception {
    hub.next(hub.listingPath(), FakeHub.status(500), FakeHub.status(503, "Retry-After", "soon"));
    hub.next(hub.filePath("config.json"), FakeHub.status(502));

    pull();

    assertPulled();
    assertThat(pauses)
        .containsExactly(Duration.ofSeconds(1), Duration.ofSeconds(2), Duration.ofSeconds(1));
  }

  @Test
  void expiredAddress_isAskedForAnew() throws Exception {
    try (FakeHub cdn = new FakeHub()) {
      cdn.always("/old", FakeHub.status(403));
      cdn.always("/new", FakeHub.file(weights()));
      hub.next(
          hub.filePath(WEIGHTS),
          FakeHub.redirect(302, cdn.endpoint() + "/old"),
          FakeHub.redirect(302, cdn.endpoint() + "/new"));

      pull();

      assertPulled();
    }
  }

  @Test
  void unreachableHub_saysSo() throws Exception {
    int port;
    try (ServerSocket socket = new ServerSocket(0)) {
      port = socket.getLocalPort();
    }
    environment.put("HF_ENDPOINT", "http://127.0.0.1:" + port);

    assertThat(failure()).contains("(4 attempts): no connection to 127.0.0.1");
  }

  @Test
  void unknownHost_saysSo() {
    environment.put("HF_ENDPOINT", "http://hub.invalid");

    assertThat(failure()).contains("the host hub.invalid is not known");
  }

  @Test
  void endpoint_thatIsNoHub_saysSo() {
    for (String answer :
        new String[] {"<html>login</html>", "{}", "[]", "", "{\"sha\": \"x\", \"siblings\": []}"}) {
      hub.always(
          hub.listingPath(),
          exchange -> FakeHub.send(exchange, 200, answer.getBytes(StandardCharsets.UTF_8)));

      assertThat(failure()).contains("found something else. Is HF_ENDPOINT right");
    }
  }

  @Test
  void listing_withoutEnd_isNotRead() {
    hub.always(
        hub.listingPath(),
        exchange -> {
          exchange.sendResponseHeaders(200, 0);
          byte[] spaces = new byte[1 << 20];
          Arrays.fill(spaces, (byte) ' ');
          for (int i = 0; i < 40; i++) {
            exchange.getResponseBody().write(spaces);
          }
        });

    assertThat(failure()).contains("in 16 MiB at most, found more");
  }

  @Test
  void fullDisk_isSeenBeforehand() {
    freeSpace = 200_000;

    assertThat(failure()).contains("free space").contains("LUCIOLE_CACHE");
    assertThat(hub.filesAsked()).isEmpty();
  }

  @Test
  void file_thatCannotBeWritten_isNoReasonToRetry() throws Exception {
    stopBeforeTheWeights();
    Path inTheWay = Files.createDirectories(staging().resolve(WEIGHTS));

    assertThat(failure()).contains("Cannot write " + inTheWay).contains("Is the disk full");
    assertThat(pauses).isEmpty();
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void part_thatIsADevice_isReplaced() throws Exception {
    stopBeforeTheWeights();
    Path part = staging().resolve(WEIGHTS + ".part");
    Files.deleteIfExists(part);
    Files.createSymbolicLink(part, Path.of("/dev/full"));

    pull();

    assertPulled();
  }

  @Test
  void interrupt_leavesThePart_andTheNextPullGoesOn() throws Exception {
    CountDownLatch never = new CountDownLatch(1);
    hub.next(hub.filePath(WEIGHTS), FakeHub.hang(weights(), 100_000, never));
    AtomicReference<Throwable> thrown = new AtomicReference<>();
    Thread puller =
        new Thread(() -> {
          try {
            pull();
          } catch (Throwable e) {
            thrown.set(e);
          }
        });
    puller.start();
    Path part = staging().resolve(WEIGHTS + ".part");
    Awaitility.await().until(() -> Files.exists(part) && Files.size(part) == 100_000);
    assertThat(resolves()).isFalse();

    puller.interrupt();
    puller.join();

    assertThat(thrown.get()).isInstanceOf(InterruptedException.class);
    assertThat(resolves()).isFalse();
    assertThat(Files.size(part)).isEqualTo(100_000);

    hub.requests().clear();
    pull();

    assertPulled();
    assertThat(hub.requests(WEIGHTS))
        .extracting(FakeHub.Request::range)
        .containsExactly("bytes=100000-");
  }
}
