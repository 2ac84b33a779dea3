package io.luciole.spark;

import com.codahale.metrics.Gauge;
import com.codahale.metrics.MetricRegistry;
import io.luciole.EngineStats;
import java.util.Arrays;
import java.util.Map;
import java.util.function.ToDoubleFunction;
import java.util.stream.Collectors;
import org.apache.spark.api.plugin.DriverPlugin;
import org.apache.spark.api.plugin.ExecutorPlugin;
import org.apache.spark.api.plugin.PluginContext;
import org.apache.spark.api.plugin.SparkPlugin;
import org.jspecify.annotations.Nullable;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;
import scala.Tuple2;

/**
 * Opens the engines of an executor as soon as that starts, and adds meters of what engines do to
 * those of the executor: {@code --conf spark.plugins=io.luciole.spark.LucioleSparkPlugin}. Not
 * needed to embed.
 *
 * <p>The engines are those of {@link LucioleEmbeddings#configured}: they are opened if {@code
 * spark.luciole.model} is set. There is one, unless a task has fewer GPUs than its executor ({@code
 * spark.task.resource.gpu.amount}): if it has a GPU or a part of one, there is one engine for each
 * GPU; if it has several, none is opened early, since which of them it gets is not known before. If
 * an engine cannot be opened, the executor goes on and the log says why; the first task tries
 * again.
 *
 * <p>The meters are gauges: {@code texts}, {@code failed}, {@code tokens}, {@code batches}, {@code
 * waitingTexts}, {@code waitingTokens}, {@code tokensPerBatch}, {@code busyShare}. Each is of all
 * engines together; the last two are means.
 */
public final class LucioleSparkPlugin implements SparkPlugin {
  private static final Logger log = LoggerFactory.getLogger(LucioleSparkPlugin.class);

  /** Made by Spark. */
  public LucioleSparkPlugin() {
    JavaRequirement.require();
  }

  @Override
  public @Nullable DriverPlugin driverPlugin() {
    return null;
  }

  @Override
  public ExecutorPlugin executorPlugin() {
    return new OfExecutor();
  }

  private static final class OfExecutor implements ExecutorPlugin {
    @Override
    public void init(PluginContext context, Map<String, String> extra) {
      Meters.register(context.metricRegistry());
      Map<String, String> settings =
          ClusterSettings.of(
              Arrays.stream(context.conf().getAll())
                  .collect(Collectors.toMap(Tuple2::_1, Tuple2::_2)));
      if (settings.containsKey("luciole.model")) {
        ClassLoader loader = Thread.currentThread().getContextClassLoader();
        Thread thread = new Thread(() -> open(settings, context), "luciole-open");
        thread.setContextClassLoader(loader);
        thread.setDaemon(true);
        thread.start();
      }
    }

    private static void open(Map<String, String> settings, PluginContext context) {
      try {
        ExecutorEngines.ofTasks(
                settings,
                context.resources().get("gpu"),
                context.conf().getDouble("spark.task.resource.gpu.amount", 0))
            .forEach(ExecutorEngines::get);
      } catch (RuntimeException e) {
        log.warn("An engine of this executor could not be opened early: {}", e.getMessage(), e);
      }
    }

    @Override
    public void shutdown() {
      ExecutorEngines.closeAll();
    }
  }

  /** Gauges over all engines of this JVM. */
  static final class Meters {
    private Meters() {}

    static void register(MetricRegistry registry) {
      sum(registry, "texts", EngineStats::embedded);
      sum(registry, "failed", EngineStats::failed);
      sum(registry, "tokens", EngineStats::batchTokens);
      sum(registry, "batches", EngineStats::batches);
      sum(registry, "waitingTexts", stats -> stats.interactive().texts() + stats.bulk().texts());
      sum(registry, "waitingTokens", stats -> stats.interactive().tokens() + stats.bulk().tokens());
      mean(registry, "tokensPerBatch", EngineStats::tokensPerBatch);
      mean(registry, "busyShare", EngineStats::busyShare);
    }

    private static void sum(
        MetricRegistry registry, String name, ToDoubleFunction<EngineStats> value) {
      Gauge<Long> gauge =
          () ->
              (long)
                  ExecutorEngines.all().stream()
                      .mapToDouble(engine -> value.applyAsDouble(engine.stats()))
                      .sum();
      registry.register(name, gauge);
    }

    private static void mean(
        MetricRegistry registry, String name, ToDoubleFunction<EngineStats> value) {
      Gauge<Double> gauge =
          () ->
              ExecutorEngines.all().stream()
                  .mapToDouble(engine -> value.applyAsDouble(engine.stats()))
                  .average()
                  .orElse(0);
      registry.register(name, gauge);
    }
  }
}
