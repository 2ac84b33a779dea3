package io.luciole.onnx;

import static org.assertj.core.api.Assertions.assertThat;

import ai.djl.util.Ec2Utils;
import io.luciole.EmbedOptions;
import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.Proxy;
import java.net.ProxySelector;
import java.net.Socket;
import java.net.SocketAddress;
import java.net.SocketImpl;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;

/**
 * Starting the engine and embedding contacts nothing. In a JVM of its own, every socket's
 * connection is refused and printed, and every URL that a client opens is printed by the proxy
 * selector; a second run in which DJL reports home shows that this sees one.
 */
class NoNetworkTest {
  private static final String CONTACTED = "contacted: ";
  private static final String DONE = "embedded";
  private static final String REPORT = "report";

  @Test
  void engine_contactsNothing() throws Exception {
    List<String> lines = runEngine();

    assertThat(lines).contains(DONE).noneMatch(line -> line.startsWith(CONTACTED));
  }

  @Test
  void engine_wouldBeSeenIfItContactedAnything() throws Exception {
    List<String> lines = runEngine(REPORT);

    assertThat(lines).contains(DONE).anyMatch(line -> line.startsWith(CONTACTED));
  }

  private static List<String> runEngine(String... arguments)
      throws IOException, InterruptedException {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.add("--enable-native-access=ALL-UNNAMED");
    command.add("-Dluciole.cache=" + System.getProperty("luciole.cache"));
    command.addAll(List.of("-cp", System.getProperty("java.class.path")));
    command.add(Watched.class.getName());
    command.addAll(List.of(arguments));
    ProcessBuilder builder = new ProcessBuilder(command).redirectErrorStream(true);
    builder.environment().keySet().removeAll(List.of("OPT_OUT_TRACKING", "DJL_OFFLINE"));
    Process process = builder.start();
    process.getOutputStream().close();
    byte[] output = process.getInputStream().readAllBytes();
    assertThat(process.waitFor(2, TimeUnit.MINUTES)).isTrue();
    return new String(output, StandardCharsets.UTF_8).lines().toList();
  }

  /** The program of the JVM that is watched. */
  public static final class Watched {
    private Watched() {}

    /** Embeds two texts with the starter model and prints that it did; reports if it is told to. */
    @SuppressWarnings("deprecation") // the only hook that sees every plain socket
    public static void main(String[] args) throws IOException {
      Socket.setSocketImplFactory(RefusingSocket::new);
      ProxySelector.setDefault(new PrintingSelector());
      try (EmbeddingEngine engine =
          EmbeddingEngine.builder(LucioleConfig.of(Map.of("luciole.backend", "onnx"))).open()) {
        int tokens =
            engine.embed("Which insects glow?", EmbedOptions.query()).join().tokenCount()
                + engine.embed("Fireflies do.").join().tokenCount();
        System.out.println(tokens > 0 ? DONE : "nothing");
      }
      if (List.of(args).contains(REPORT)) {
        Ec2Utils.callHome("Huggingface");
      }
    }
  }

  private static final class PrintingSelector extends ProxySelector {
    @Override
    public List<Proxy> select(URI uri) {
      System.out.println(CONTACTED + uri);
      return List.of(Proxy.NO_PROXY);
    }

    @Override
    public void connectFailed(URI uri, SocketAddress address, IOException e) {}
  }

  private static final class RefusingSocket extends SocketImpl {
    private static IOException refuse(Object where) {
      System.out.println(CONTACTED + where);
      return new IOException("refused by the test");
    }

    @Override
    protected void create(boolean stream) {}

    @Override
    protected void connect(String host, int port) throws IOException {
      throw refuse(host + ":" + port);
    }

    @Override
    protected void connect(InetAddress address, int port) throws IOException {
      throw refuse(new InetSocketAddress(address, port));
    }

    @Override
    protected void connect(SocketAddress address, int timeout) throws IOException {
      throw refuse(address);
    }

    @Override
    protected void bind(InetAddress host, int port) {}

    @Override
    protected void listen(int backlog) {}

    @Override
    protected void accept(SocketImpl s) throws IOException {
      throw new IOException("refused by the test");
    }

    @Override
    protected InputStream getInputStream() {
      return InputStream.nullInputStream();
    }

    @Override
    protected OutputStream getOutputStream() {
      return OutputStream.nullOutputStream();
    }

    @Override
    protected int available() {
      return 0;
    }

    @Override
    protected void close() {}

    @Override
    protected void sendUrgentData(int data) {}

    @Override
    public void setOption(int id, Object value) {}

    @Override
    public Object getOption(int id) {
      return 0;
    }
  }
}
