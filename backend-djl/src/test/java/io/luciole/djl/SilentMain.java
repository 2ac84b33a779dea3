package io.luciole.djl;

import ai.djl.util.Ec2Utils;
import io.luciole.Embedding;
import io.luciole.EmbeddingEngine;
import io.luciole.testkit.MiniM3;
import java.io.IOException;
import java.net.URL;
import java.net.URLConnection;
import java.net.URLStreamHandler;
import java.util.List;
import java.util.concurrent.CopyOnWriteArrayList;

/**
 * Embeds a text in a JVM of its own that records and refuses every web address. With an argument,
 * DJL reports home after that.
 */
final class SilentMain {
  private SilentMain() {}

  public static void main(String[] args) {
    List<URL> contacted = new CopyOnWriteArrayList<>();
    URL.setURLStreamHandlerFactory(protocol ->
        protocol.startsWith("http")
            ? new URLStreamHandler() {
              @Override
              protected URLConnection openConnection(URL url) throws IOException {
                contacted.add(url);
                throw new IOException("refused: " + url);
              }

              @Override
              protected URLConnection openConnection(URL url, java.net.Proxy proxy)
                  throws IOException {
                return openConnection(url);
              }
            }
            : null);
    try (EmbeddingEngine engine =
        EmbeddingEngine.builder().model(MiniM3.source()).backend("djl").open()) {
      Embedding found = engine.embed("What is BGE M3?").join();
      System.out.println("dense " + found.dense().length);
    }
    if (args.length > 0) {
      Ec2Utils.callHome("Huggingface");
    }
    System.out.println("contacted " + contacted);
  }
}
