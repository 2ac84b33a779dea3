package io.luciole.server.clients;

import static org.assertj.core.api.Assertions.assertThat;

import io.luciole.server.LucioleServer;
import io.swagger.v3.parser.OpenAPIV3Parser;
import io.swagger.v3.parser.core.models.ParseOptions;
import io.swagger.v3.parser.core.models.SwaggerParseResult;
import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.util.Objects;
import org.junit.jupiter.api.Test;

/** The OpenAPI document, read by swagger-parser, as generators of clients read it. */
class OpenApiTest {
  @Test
  void swaggerParser_hasNothingToSay() throws IOException {
    String document;
    try (InputStream in = LucioleServer.class.getResourceAsStream("openapi.json")) {
      document = new String(Objects.requireNonNull(in).readAllBytes(), StandardCharsets.UTF_8);
    }
    ParseOptions options = new ParseOptions();
    options.setResolve(true);
    SwaggerParseResult read = new OpenAPIV3Parser().readContents(document, null, options);
    assertThat(read.getMessages()).isEmpty();
    assertThat(read.getOpenAPI().getPaths()).containsKeys("/v1/embeddings", "/v1/search");
    // A document that breaks the rules is told.
    String broken = document.replace("\"identifier\"", "\"identity\"");
    assertThat(new OpenAPIV3Parser().readContents(broken, null, options).getMessages())
        .isNotEmpty();
  }
}
