package io.luciole.server;

import com.google.inject.Inject;
import io.helidon.http.HeaderName;
import io.helidon.http.HeaderNames;
import java.io.IOException;
import java.util.List;

/**
 * The search page: files of HTML, CSS and JavaScript, which load nothing from elsewhere. {@code
 * hits.js} draws one hit, and {@code page.js} does all else.
 */
final class SearchPageApi implements Api {
  private static final HeaderName POLICY = HeaderNames.create("Content-Security-Policy");

  private final byte[] html;
  private final byte[] css;
  private final byte[] script;
  private final byte[] hits;

  @Inject
  SearchPageApi() throws IOException {
    html = Resources.read("page.html");
    css = Resources.read("page.css");
    script = Resources.read("page.js");
    hits = Resources.read("hits.js");
  }

  @Override
  public List<Route> routes() {
    return List.of(
        Route.management("/", Route.Access.OPEN, x -> send(x, "text/html; charset=utf-8", html)),
        Route.management(
            "/page.css", Route.Access.OPEN, x -> send(x, "text/css; charset=utf-8", css)),
        Route.management(
            "/page.js", Route.Access.OPEN, x -> send(x, "text/javascript; charset=utf-8", script)),
        Route.management(
            "/hits.js", Route.Access.OPEN, x -> send(x, "text/javascript; charset=utf-8", hits)));
  }

  private static void send(Exchange x, String type, byte[] body) {
    x.header(
        POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src"
            + " data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'");
    x.header(HeaderNames.CACHE_CONTROL, "no-cache");
    x.send(200, type, body);
  }
}
