/**
 * Helpers that Luciole's own modules share. <strong>This is not API</strong>: the classes are
 * public only because Java has no visibility between a package and a module, and any release may
 * change or remove them.
 *
 * <ul>
 *   <li>Files: {@link io.luciole.internal.AtomicFiles} replaces a file as a whole, {@link
 *       io.luciole.internal.LineReader} reads a text line by line, {@link
 *       io.luciole.internal.Utf8Text} a whole one, {@link io.luciole.internal.Sha256} hashes,
 *       {@link io.luciole.internal.JsonProblem} tells what is wrong with JSON.
 *   <li>Folders and names: {@link io.luciole.internal.CacheFolder}, {@link
 *       io.luciole.internal.HubCache} and {@link io.luciole.internal.ModelFileNames} say where
 *       models lie and what their files are called.
 *   <li>Native libraries: {@link io.luciole.internal.NativeFiles} copies them to where they are
 *       loaded from, {@link io.luciole.internal.NativePlatform} names the platform, {@link
 *       io.luciole.internal.CudaLibraries} tells which of NVIDIA's are missing, {@link
 *       io.luciole.internal.TemporaryFolder} makes folders that last as long as the JVM, {@link
 *       io.luciole.internal.DjlSettings} reads DJL's settings.
 *   <li>{@link io.luciole.internal.Listeners} calls an application's listeners.
 *   <li>{@link io.luciole.internal.EnumNames} finds an enum's constant by the name that users
 *       write.
 *   <li>{@link io.luciole.internal.Cosine} compares vectors that should agree.
 * </ul>
 *
 * <p>Of Luciole's other packages, this one uses {@link io.luciole.model.ModelException} alone.
 */
@API(status = API.Status.INTERNAL, since = "0.1")
@NullMarked
package io.luciole.internal;

import org.apiguardian.api.API;
import org.jspecify.annotations.NullMarked;
