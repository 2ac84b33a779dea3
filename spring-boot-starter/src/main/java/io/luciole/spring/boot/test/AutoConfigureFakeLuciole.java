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
 */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@Documented
@Inherited
@ImportAutoConfiguration
public @interface AutoConfigureFakeLuciole {}
