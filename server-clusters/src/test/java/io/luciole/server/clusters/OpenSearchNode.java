package io.luciole.server.clusters;

import java.net.URI;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.opensearch.Version;
import org.opensearch.common.settings.Settings;
import org.opensearch.http.HttpServerTransport;
import org.opensearch.index.mapper.MapperExtrasModulePlugin;
import org.opensearch.node.InternalSettingsPreparer;
import org.opensearch.node.Node;
import org.opensearch.node.NodeValidationException;
import org.opensearch.plugins.Plugin;
import org.opensearch.plugins.PluginInfo;
import org.opensearch.transport.Netty4ModulePlugin;
import org.opensearch.transport.TransportService;

/** A node of OpenSearch in this process, with plug-ins from the class path. */
final class OpenSearchNode extends Node {
  private OpenSearchNode(Settings settings) {
    super(
        InternalSettingsPreparer.prepareEnvironment(settings, Map.of(), null, () -> "localhost"),
        List.of(info(Netty4ModulePlugin.class), info(MapperExtrasModulePlugin.class)),
        false);
  }

  private static PluginInfo info(Class<? extends Plugin> plugin) {
    return new PluginInfo(
        plugin.getSimpleName(),
        "from the class path",
        "none",
        Version.CURRENT,
        "21",
        plugin.getName(),
        null,
        List.of(),
        false);
  }

  /**
   * Starts a node on free ports of this machine.
   *
   * @param folder where it keeps its data
   * @param name its name
   * @param first the cluster's first node, or null if it is this one
   */
  static OpenSearchNode start(
      Path folder, String name, @org.jspecify.annotations.Nullable OpenSearchNode first)
      throws NodeValidationException {
    Settings.Builder settings =
        Settings.builder()
            .put("cluster.name", "luciole")
            .put("node.name", name)
            .put("path.home", folder.resolve(name).toString())
            .put("network.host", "127.0.0.1")
            .put("transport.port", "0")
            .put("http.port", "0")
            .put("transport.type", Netty4ModulePlugin.NETTY_TRANSPORT_NAME)
            .put("http.type", Netty4ModulePlugin.NETTY_HTTP_TRANSPORT_NAME)
            .put("cluster.routing.allocation.disk.threshold_enabled", false);
    if (first == null) {
      settings.putList("cluster.initial_cluster_manager_nodes", name);
    } else {
      settings.putList("discovery.seed_hosts", first.transportAddress());
    }
    OpenSearchNode node = new OpenSearchNode(settings.build());
    node.start();
    return node;
  }

  private String transportAddress() {
    return injector()
        .getInstance(TransportService.class)
        .boundAddress()
        .publishAddress()
        .toString();
  }

  /** Where it answers HTTP. */
  URI uri() {
    return URI.create(
        "http://"
            + injector().getInstance(HttpServerTransport.class).boundAddress().publishAddress()
            + '/');
  }
}
