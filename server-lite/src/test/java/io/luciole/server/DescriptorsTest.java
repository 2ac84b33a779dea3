package io.luciole.server;

import static org.assertj.core.api.Assertions.assertThat;

import com.sun.management.UnixOperatingSystemMXBean;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.net.InetAddress;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Tag;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** A server of 300 file descriptors, and more clients than that. */
@Timeout(180)
@EnabledOnOs({OS.LINUX, OS.MAC})
class DescriptorsTest {
  private static final int DESCRIPTORS = 300;

  @TempDir Path folder;
  private ServerProcess.Running server;

  @BeforeEach
  void start() throws IOException {
    server =
        ServerProcess.start(folder, "sh", "-c", "ulimit -n " + DESCRIPTORS + "; exec \"$@\"", "sh");
  }

  @AfterEach
  void stop() throws InterruptedException {
    server.process().destroyForcibly().waitFor();
  }

  private Socket connect() throws IOException {
    Socket socket = new Socket(InetAddress.getLoopbackAddress(), server.port());
    socket.setSoTimeout(120_000);
    return socket;
  }

  private String ask() throws IOException {
    try (Socket socket = connect()) {
      socket
          .getOutputStream()
          .write(
              "GET /health/live HTTP/1.1\r\nHost: localhost\r\n\r\n"
                  .getBytes(StandardCharsets.US_ASCII));
      return Server.readAnswer(socket);
    }
  }

  @Test
  void halfOpenConnections_moreThanThereAreDescriptors_keepNobodyOut() throws Exception {
    List<Socket> halfOpen = new ArrayList<>();
    try {
      for (int i = 0; i < 400; i++) {
        Socket socket = connect();
        halfOpen.add(socket);
        socket.getOutputStream().write("GET /health/live HT".getBytes(StandardCharsets.US_ASCII));
      }
      assertThat(ask()).as("while they are open").startsWith("HTTP/1.1 200");
    } finally {
      for (Socket socket : halfOpen) {
        socket.close();
      }
    }
    assertThat(ask()).as("after they have ended").startsWith("HTTP/1.1 200");
    assertThat(server.process().isAlive()).isTrue();
  }

  @Test
  @Tag("long")
  void twoThousandClients_areAllAnswered() throws Exception {
    try (ExecutorService threads = Executors.newVirtualThreadPerTaskExecutor()) {
      List<Future<String>> answers = new ArrayList<>();
      for (int i = 0; i < clients(); i++) {
        answers.add(threads.submit(this::ask));
      }
      for (Future<String> answer : answers) {
        assertThat(answer.get()).startsWith("HTTP/1.1 200");
      }
    }
  }

  /** 2,000, or as many as this process may open. */
  private static int clients() {
    return ManagementFactory.getOperatingSystemMXBean() instanceof UnixOperatingSystemMXBean unix
        ? (int) Math.min(2000, unix.getMaxFileDescriptorCount() / 2)
        : 2000;
  }
}
