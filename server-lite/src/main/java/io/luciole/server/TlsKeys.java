package io.luciole.server;

import io.helidon.common.tls.Tls;
import io.helidon.webserver.WebServer;
import io.helidon.webserver.WebServerConfig;
import io.luciole.ConfigException;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.PrivateKey;
import java.security.PublicKey;
import java.security.Signature;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.cert.X509Certificate;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.Base64;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * Reads the certificate and the key of PEM files, and checks whenever they are read that they can
 * be used.
 */
final class TlsKeys {
  private static final Pattern PRIVATE_KEY =
      Pattern.compile("-----BEGIN PRIVATE KEY-----([^-]+)-----END PRIVATE KEY-----");

  /** The signature algorithm that is tried for each algorithm of keys. */
  private static final Map<String, String> SIGNATURES =
      Map.of("RSA", "SHA256withRSA", "EC", "SHA256withECDSA", "EdDSA", "EdDSA");

  private TlsKeys() {}

  /**
   * Makes a server listen with TLS.
   *
   * @throws ConfigException if a file cannot be used, or the key is not the certificate's
   */
  static void install(ServerConfig.TlsFiles files, WebServerConfig.Builder server) {
    server.tls(read(files));
  }

  /** Makes a server take the files anew when they change, for the connections that come then. */
  static void watch(ServerConfig.TlsFiles files, FileWatch watch, WebServer server) {
    watch.add(
        "the certificate",
        List.of(files.certificate(), files.key()),
        () -> server.reloadTls(read(files)));
  }

  private static Tls read(ServerConfig.TlsFiles files) {
    List<X509Certificate> chain = chain(files.certificate());
    PrivateKey key = key(files, chain.get(0).getPublicKey());
    return Tls.builder().privateKey(key).privateKeyCertChain(chain).build();
  }

  private static byte[] read(Path file) {
    try {
      return Files.readAllBytes(file);
    } catch (IOException e) {
      throw new ConfigException("Expected a PEM file for TLS, cannot read " + file, e);
    }
  }

  private static List<X509Certificate> chain(Path file) {
    try {
      List<X509Certificate> chain =
          CertificateFactory.getInstance("X.509")
              .generateCertificates(new ByteArrayInputStream(read(file)))
              .stream()
              .map(X509Certificate.class::cast)
              .toList();
      if (chain.isEmpty()) {
        throw new CertificateException("no certificate");
      }
      return chain;
    } catch (CertificateException e) {
      throw new ConfigException(
          "Expected certificates in PEM (\"BEGIN CERTIFICATE\"), the server's own first, found none"
              + " in "
              + file,
          e);
    }
  }

  /** Reads a key and checks with a signature that it belongs to a certificate. */
  private static PrivateKey key(ServerConfig.TlsFiles files, PublicKey certified) {
    Matcher pem = PRIVATE_KEY.matcher(new String(read(files.key()), StandardCharsets.ISO_8859_1));
    PKCS8EncodedKeySpec encoded;
    try {
      if (!pem.find()) {
        throw new IllegalArgumentException("no \"BEGIN PRIVATE KEY\"");
      }
      encoded = new PKCS8EncodedKeySpec(Base64.getMimeDecoder().decode(pem.group(1)));
    } catch (IllegalArgumentException e) {
      throw new ConfigException(
          "Expected a key in PKCS#8 without a password (\"BEGIN PRIVATE KEY\"), found none in "
              + files.key()
              + "; openssl pkcs8 -topk8 -nocrypt -in KEY makes one of another",
          e);
    }
    try {
      PrivateKey key = KeyFactory.getInstance(certified.getAlgorithm()).generatePrivate(encoded);
      byte[] sample = {1, 2, 3, 4};
      Signature signature =
          Signature.getInstance(
              SIGNATURES.getOrDefault(certified.getAlgorithm(), certified.getAlgorithm()));
      signature.initSign(key);
      signature.update(sample);
      byte[] signed = signature.sign();
      signature.initVerify(certified);
      signature.update(sample);
      if (!signature.verify(signed)) {
        throw new GeneralSecurityException("what the key signs is not confirmed");
      }
      return key;
    } catch (GeneralSecurityException e) {
      throw new ConfigException(
          "The key "
              + files.key()
              + " is not the one of the first certificate in "
              + files.certificate()
              + " ("
              + certified.getAlgorithm()
              + "); the server's own certificate comes first, those that signed it after it",
          e);
    }
  }
}
