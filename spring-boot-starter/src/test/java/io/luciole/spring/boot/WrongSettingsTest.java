package io.luciole.spring.boot;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import io.luciole.ConfigException;
import io.luciole.LucioleException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.extension.ExtendWith;
import org.springframework.boot.WebApplicationType;
import org.springframework.boot.autoconfigure.EnableAutoConfiguration;
import org.springframework.boot.builder.SpringApplicationBuilder;
import org.springframework.boot.test.system.CapturedOutput;
import org.springframework.boot.test.system.OutputCaptureExtension;

/** What somebody sees whose application does not start. */
@ExtendWith(OutputCaptureExtension.class)
class WrongSettingsTest {
  @EnableAutoConfiguration
  static class Application {}

  @Test
  void wrongSettings_areListedWithoutAStackTrace(CapturedOutput output) {
    assertThatThrownBy(() ->
            new SpringApplicationBuilder(Application.class)
                .web(WebApplicationType.NONE)
                .properties("luciole.tokn-budget=1", "luciole.threads=none")
                .run())
        .hasRootCauseInstanceOf(ConfigException.class);
    assertThat(output)
        .contains("APPLICATION FAILED TO START")
        .contains("luciole.tokn-budget")
        .contains("did you mean luciole.token-budget?")
        .contains("luciole.threads")
        .doesNotContain("at io.luciole");
  }

  @Test
  void modelThatIsNone_isToldWithoutAStackTrace(CapturedOutput output) {
    assertThatThrownBy(() ->
            new SpringApplicationBuilder(Application.class)
                .web(WebApplicationType.NONE)
                .properties("luciole.model=/no/such/folder")
                .run())
        .hasRootCauseInstanceOf(LucioleException.class);
    assertThat(output)
        .contains("APPLICATION FAILED TO START")
        .contains("/no/such/folder")
        .doesNotContain("at io.luciole");
  }
}
