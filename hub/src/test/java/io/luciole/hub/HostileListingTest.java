package io.luciole.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.model.ModelException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Random;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Listings that want to write elsewhere, or say nonsense. */
final class HostileListingTest extends PullFixture {
  @ParameterizedTest
  @ValueSource(
      strings = {
        "../config.json",
        "onnx/../../x",
        "/etc/passwd",
        "onnx//x",
        "C:/x",
        "C:x",
        "onnx\\x",
        "..\\x",
        "onnx/..",
        "onnx/.",
        "onnx/.hidden",
        "",
        " /x/",
        "a\0b",
        "a\nb",
        "x.part",
        "x ",
        "x.",
        "CON:"
      })
  void path_thatLeadsElsewhere_isPassedOver(String path) throws Exception {
    assertThat(RemoteFile.isSafe(path)).isFalse();
    hub.put(path, "evil");
    hub.put("onnx/" + path, "evil");

    pull(PullOptions.DEFAULT.withOnnx());

    try (var all = Files.walk(temp)) {
      assertThat(
              all.filter(Files::isRegularFile)
                  .filter(p -> !p.startsWith(folder()))
                  .map(Path::getFileName)
                  .map(Path::toString))
          .containsExactly(".tiny.lock");
    }
    assertThat(names(folder())).noneMatch(name -> name.contains("evil"));
    for (String name : names(folder())) {
      assertThat(Files.readString(folder().resolve(name), StandardCharsets.ISO_8859_1))
          .isNotEqualTo("evil");
    }
  }

  @ParameterizedTest
  @ValueSource(strings = {"config.json", "onnx/model.onnx_data", "a b/c+d%20.x", "模型.bin", "a..b"})
  void path_thatIsUnusual_isSafe(String path) {
    assertThat(RemoteFile.isSafe(path)).isTrue();
  }

  @Test
  void path_withOddCharacters_isFetched() throws Exception {
    String name = "onnx/weight 100% ü+#?".replace("?", "");
    hub.put(name, new Random(5), 300);

    assertThat(names(pull(PullOptions.DEFAULT.withOnnx()))).contains(name);
  }

  @ParameterizedTest
  @ValueSource(strings = {"-5", "\"12\"", "1.5", "1e400", "99999999999999999999", "{}", "true"})
  void size_thatIsNone_isAnError(String size) {
    assertThatThrownBy(() -> parse(size))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("Expected a size in bytes for tokenizer.json of a/b, the hub says");
  }

  @Test
  void digest_thatIsNone_countsAsUnknown() {
    HubListing listing = parse("5");

    assertThat(listing.files())
        .containsOnlyKeys("tokenizer.json")
        .containsValue(new RemoteFile("tokenizer.json", 5, null));
  }

  private static HubListing parse(String size) {
    String listing =
        """
        {"sha": "%s", "siblings": [7, null, {"rfilename": 5}, {"rfilename": "tokenizer.json",
         "size": %s, "blobId": "../../x"}]}\
        """
            .formatted(FakeHub.COMMIT, size);
    return HubListing.parse(
        listing.getBytes(StandardCharsets.UTF_8), "a/b", URI.create("https://hub.invalid"));
  }

  @Test
  void sizes_thatOverflow_areAnError() {
    hub.hasBlobs = false;
    String listing =
        new String(hub.listing(), StandardCharsets.UTF_8)
            .replaceAll(
                "\\{\"rfilename\":\"[^\"]*\"",
                "$0,\"size\":" + Long.MAX_VALUE + ",\"blobId\":\"" + FakeHub.COMMIT + '"');
    hub.always(
        hub.listingPath(),
        exchange -> FakeHub.send(exchange, 200, listing.getBytes(StandardCharsets.UTF_8)));

    assertThatThrownBy(this::pull)
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("are absurd");
  }

  @Test
  void deepNesting_isAnError() {
    byte[] deep = "[".repeat(1 << 20).getBytes(StandardCharsets.UTF_8);

    assertThatThrownBy(() -> HubListing.parse(deep, "a/b", URI.create("https://hub.invalid")))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("found something else");
  }
}
