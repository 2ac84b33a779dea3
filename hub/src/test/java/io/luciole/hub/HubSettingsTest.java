package io.luciole.hub;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.ConfigException;
import io.luciole.internal.HubCache;
import io.luciole.model.ModelException;
import java.nio.file.Path;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

final class HubSettingsTest {
  @Test
  void endpoint_isTheHubUnlessSet(@TempDir Path home) {
    Map<String, String> bare = Map.of("HF_HOME", home.toString());

    assertThat(HubSettings.of(bare).endpoint()).hasToString("https://huggingface.co");
    assertThat(HubSettings.of(bare).token()).isNull();
    assertThat(HubSettings.of(bare).offline()).isNull();
    assertThat(HubSettings.of(Map.of("HF_ENDPOINT", "https://mirror.example/api/hub//")).endpoint())
        .hasToString("https://mirror.example/api/hub");
  }

  @Test
  void endpoint_thatIsNone_isAnError() {
    for (String endpoint : new String[] {"mirror.example", "ftp://x", "https://", "http://a b"}) {
      assertThatThrownBy(() -> HubSettings.of(Map.of("HF_ENDPOINT", endpoint)))
          .isInstanceOf(ModelException.class)
          .hasMessageContaining("Expected HF_ENDPOINT to be the hub's address")
          .hasMessageContaining(endpoint);
    }
  }

  @Test
  void token_thatCannotBeSent_isAnErrorThatDoesNotShowIt() {
    assertThatThrownBy(() -> HubSettings.of(Map.of("HF_TOKEN", "hf_a\nHost: evil")))
        .isInstanceOf(ModelException.class)
        .hasMessageContaining("HF_TOKEN")
        .hasMessageNotContaining("hf_a");
  }

  @Test
  void offline_isOffWhereItSaysSo() {
    assertThat(HubSettings.of(Map.of("LUCIOLE_OFFLINE", "0", "HF_HUB_OFFLINE", "false")).offline())
        .isNull();
    assertThat(HubSettings.of(Map.of("HF_HUB_OFFLINE", "ON")).offline())
        .isEqualTo("HF_HUB_OFFLINE");
  }

  @Test
  void offline_withAnotherWord_isRefused() {
    assertThatThrownBy(() -> HubSettings.of(Map.of("LUCIOLE_OFFLINE", "maybe")))
        .isInstanceOf(ConfigException.class)
        .hasMessageContaining("LUCIOLE_OFFLINE")
        .hasMessageContaining("\"maybe\"");
    assertThat(HubSettings.of(Map.of("LUCIOLE_OFFLINE", " ", "HF_HUB_OFFLINE", "maybe")).offline())
        .isNull();
  }

  @Test
  void cacheOfHuggingFacesTools_isWhereTheyLook() {
    assertThat(HubCache.home(Map.of("HF_HOME", "/h", "XDG_CACHE_HOME", "/x")))
        .isEqualTo(Path.of("/h"));
    assertThat(HubCache.home(Map.of("XDG_CACHE_HOME", "/x")))
        .isEqualTo(Path.of("/x", "huggingface"));
    assertThat(HubCache.home(Map.of()))
        .isEqualTo(Path.of(System.getProperty("user.home"), ".cache", "huggingface"));
  }
}
