package io.luciole.spark;

import static java.util.Objects.requireNonNull;

import io.luciole.EmbeddingEngine;
import io.luciole.LucioleConfig;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.apache.spark.TaskContext;
import org.apache.spark.resource.ResourceInformation;
import org.jspecify.annotations.Nullable;

/**
 * The engines of this JVM, one for each combination of settings and devices. All tasks of an
 * executor share an engine, which batches their texts together; the first one opens it, and others
 * wait meanwhile. It stays open until {@link #closeAll} or the end of the JVM.
 *
 * <p>Devices are those of the setting {@code luciole.device}. Where it is not set, they are the
 * GPUs that Spark has assigned to the task (the resource {@code gpu}): the address {@code 1} is the
 * device {@code cuda:1}. Spark hides no GPU from a process, so that addresses are numbers of the
 * machine's devices.
 *
 * <p>Safe for use by many threads.
 */
public final class ExecutorEngines {
  private static final String DEVICE = "luciole.device";
  private static final Map<Map<String, String>, EmbeddingEngine> ENGINES =
      new ConcurrentHashMap<>();

  private ExecutorEngines() {}

  /**
   * Gives the engine for the task that runs on this thread, or for none. Opens it if there is none
   * yet.
   *
   * @param settings settings by their names, such as {@code luciole.model}; they override those of
   *     the process ({@link LucioleConfig#load()})
   * @return the engine, which must not be closed
   * @throws UnsupportedOperationException if the Java of this process is too old
   * @throws io.luciole.LucioleException if it cannot be opened
   */
  public static EmbeddingEngine get(Map<String, String> settings) {
    TaskContext task = TaskContext.get();
    return get(settings, task == null ? Map.of() : task.resourcesJMap());
  }

  /** Gives the engine for some resources of Spark's. */
  static EmbeddingEngine get(
      Map<String, String> settings, Map<String, ResourceInformation> resources) {
    JavaRequirement.require();
    return ENGINES.computeIfAbsent(
        withDevices(requireNonNull(settings, "settings"), resources.get("gpu")),
        ExecutorEngines::open);
  }

  /**
   * The settings of the engines that the tasks of an executor will ask for, each with its devices:
   * one engine if a task has all of the executor's GPUs, or none; one for each GPU if a task has a
   * GPU or a part of one. None if a task has several GPUs and its executor still more of them,
   * since which of them it gets is not known before.
   *
   * @param gpus the executor's GPUs, or null
   * @param amount how many GPUs a task has, {@code spark.task.resource.gpu.amount}; 0 if that is
   *     not set
   */
  static List<Map<String, String>> ofTasks(
      Map<String, String> settings, @Nullable ResourceInformation gpus, double amount) {
    if (gpus == null || amount == 0 || settings.containsKey(DEVICE)) {
      return List.of(withDevices(settings, null));
    }
    String[] addresses = gpus.addresses();
    if (Math.ceil(amount) == addresses.length) {
      return List.of(withDevices(settings, gpus));
    }
    if (amount > 1) {
      return List.of();
    }
    return Arrays.stream(addresses)
        .map(address ->
            withDevices(settings, new ResourceInformation(gpus.name(), new String[] {address})))
        .toList();
  }

  /** Settings that name devices in a fixed order, where Spark has assigned any. */
  static Map<String, String> withDevices(
      Map<String, String> settings, @Nullable ResourceInformation gpus) {
    Map<String, String> all = new TreeMap<>(settings);
    if (gpus != null && gpus.addresses().length > 0) {
      all.putIfAbsent(
          DEVICE,
          Arrays.stream(gpus.addresses())
              .sorted()
              .map(address -> "cuda:" + address)
              .collect(Collectors.joining(",")));
    }
    return Map.copyOf(all);
  }

  private static EmbeddingEngine open(Map<String, String> settings) {
    return EmbeddingEngine.builder(LucioleConfig.load().with(settings)).open();
  }

  /** {@return the engines that are open} */
  static List<EmbeddingEngine> all() {
    return List.copyOf(ENGINES.values());
  }

  /** Closes all engines. Tasks that still use one fail; the next task opens another. */
  public static void closeAll() {
    ENGINES
        .keySet()
        .forEach(settings -> {
          EmbeddingEngine engine = ENGINES.remove(settings);
          if (engine != null) {
            engine.close();
          }
        });
  }
}
