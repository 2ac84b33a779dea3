/**
 * Encoders on ONNX Runtime. {@link io.luciole.onnx.OnnxBackendProvider} is all there is to see; it
 * is found by {@link java.util.ServiceLoader}.
 */
@NullMarked
package io.luciole.onnx;

import org.jspecify.annotations.NullMarked;
