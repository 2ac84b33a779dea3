package io.luciole.spring.boot.test;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Inherited;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import org.springframework.boot.autoconfigure.ImportAutoConfiguration;

/**
 * On a test class, gives the application a fake model and an index in memory in place of its own,
 * so that the test loads no model and no native library of a backend, and writes no files. It adds
 * what {@link io.luciole.spring.boot.LucioleAutoConfiguration} makes to tests of a slice, too, such
 * as {@code @WebMvcTest}.
 *
 * <pre>{@code
 * @SpringBootTest
 * @AutoConfigureFakeLuciole
 * class ShopTest {
 *   @Autowired FakeBackend backend; // may delay and fail
 * }
 * }</pre>
 *
 * <p>Needs {@code luciole-testkit} in scope {@code test}. The vectors are {@link
 * io.luciole.testkit.FakeBackend}'s: the same for the same text, and without a meaning, so that a
 * search finds by words. The words {@code w0} to {@code w999} have tokens of their own.
 *
 * <p><b>Settings.</b> Those that describe the real model and its device have no effect: {@code
 * luciole.model}, {@code backend}, {@code device}, {@code precision}, {@code pooling}, {@code
 * normalize}, {@code dimensions}, the prompts, {@code calibrate}, those of a backend, and {@code
 * luciole.index.folder}. All others have theirs.
 *
 * <p><b>Beans of the application's own.</b> Each {@code EmbeddingEngine} and each {@code
 * HybridIndexer} is replaced by a fake under the same name, with its qualifiers; the method that
 * makes the real one is not called. So is a {@code HybridSearcher} where there is one indexer. A
 * {@code FakeBackend} is used; another {@code BackendProvider} stays a bean and is not asked.
 * {@code EngineCustomizer}s are called before the fake's, and {@code WriteOptions} hold. All this
 * is so in tests that Spring has processed ahead of time, too.
 *
 * <p><b>Limits.</b>
 *
 * <ul>
 *   <li>Where there are several indexers, a searcher is left as it is, and must be opened over an
 *       indexer that is a bean, as by {@code HybridSearcher.open(indexer, engine)}.
 *   <li>A schema in {@code WriteOptions} must be made for the engine, by {@code
 *       HybridSchema.builder(engine)}, since the fake's vectors have 8 components.
 *   <li>A backend's own setting that an {@code EngineCustomizer} makes by {@code
 *       EngineBuilder.option} is refused, as the fake backend has none.
 *   <li>Engines and indexes that are no bean definitions stay real: what other beans open for
 *       themselves, and singletons that are registered as objects.
 * </ul>
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Inherited
@ImportAutoConfiguration
public @interface AutoConfigureFakeLuciole {}
