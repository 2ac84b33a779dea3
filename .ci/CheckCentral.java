import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.US_ASCII;

import java.io.DataInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.jar.JarEntry;
import java.util.jar.JarFile;
import java.util.regex.Pattern;
import java.util.stream.Stream;
import javax.xml.parsers.DocumentBuilderFactory;
import org.w3c.dom.Element;
import org.w3c.dom.Node;

/**
 * Holds a staging folder against the rules of Maven Central and of this project, before anything is uploaded:
 *
 * <pre>java .ci/CheckCentral.java STAGING CHECKOUT</pre>
 *
 * <p>STAGING is a Maven repository with one version of Luciole; CHECKOUT is where its modules are. Each finding is a line on standard
 * output; the exit status is 1 if there is one. Whether a signature is by the right key is gpg's to say.
 */
public final class CheckCentral {
  private static final String GROUP = "io.luciole";
  private static final int JAVA_21 = 65;

  /** Classes generated from onnx.proto, and protobuf's. */
  private static final Pattern GENERATED = Pattern.compile("io/luciole/onnx/proto");


  /** What a POM without parent may say of itself, as many BOMs do. */
  private static final String OWN_VERSION = "${project.version}";

  private static final Set<String> FORBIDDEN = Set.of("parent", "repositories", "pluginRepositories", "distributionManagement", "build", "profiles");

  private final Path staging;
  private final List<String> findings = new ArrayList<>();

  /** For each artifact that is staged its POM. */
  private final Map<String, Element> poms = new TreeMap<>();

  private final Map<String, Path> folders = new TreeMap<>();

  private CheckCentral(Path staging) {
    this.staging = staging;
  }

  /** Checks, prints and ends. */
  public static void main(String[] args) throws IOException {
    if (args.length != 2) {
      System.err.println("expected STAGING and CHECKOUT, got " + args.length + " arguments");
      System.exit(2);
    }
    CheckCentral check = new CheckCentral(Path.of(args[0]));
    check.readPoms();
    check.poms.forEach(check::pom);
    for (Map.Entry<String, Path> artifact : check.folders.entrySet()) {
      check.files(artifact.getKey(), artifact.getValue());
    }
    check.modules(Path.of(args[1]));
    check.bom();
    check.findings.forEach(System.out::println);
    System.out.printf("%d artifacts, %d findings%n", check.poms.size(), check.findings.size());
    System.exit(check.findings.isEmpty() && !check.poms.isEmpty() ? 0 : 1);
  }

  private void finding(String artifact, String what) {
    findings.add(artifact + ": " + what);
  }

  private void readPoms() throws IOException {
    try (Stream<Path> files = Files.walk(staging)) {
      for (Path file : files.filter(f -> f.toString().endsWith(".pom")).sorted().toList()) {
        String artifact = file.getParent().getParent().getFileName().toString();
        if (folders.put(artifact, file.getParent()) != null) {
          finding(artifact, "is staged in two versions");
        }
        poms.put(artifact, parse(file));
      }
    }
  }

  // ---- POMs

  private void pom(String artifact, Element pom) {
    Path folder = folders.get(artifact);
    String version = folder.getFileName().toString();
    String group = staging.relativize(folder.getParent().getParent()).toString().replace('\\', '.').replace('/', '.');
    expect(artifact, "groupId", group, text(pom, "groupId"));
    expect(artifact, "artifactId", artifact, text(pom, "artifactId"));
    expect(artifact, "version", version, text(pom, "version"));
    if (version.endsWith("-SNAPSHOT")) {
      finding(artifact, "is a snapshot, " + version);
    }
    for (String element : List.of("name", "description", "url", "licenses/license/name", "licenses/license/url", "developers/developer/name",
        "scm/connection", "scm/developerConnection", "scm/url")) {
      if (text(pom, element).isBlank()) {
        finding(artifact, "its POM has no <" + element.replace("/", "><") + ">");
      }
    }
    for (Element child : children(pom)) {
      if (FORBIDDEN.contains(child.getTagName())) {
        finding(artifact, "its POM has <" + child.getTagName() + ">");
      }
    }
    if (pom.getTextContent().replace(OWN_VERSION, "").contains("${")) {
      finding(artifact, "its POM has a property that is not replaced");
    }
    dependencies(pom, "dependencies").forEach(dependency -> dependency(artifact, version, dependency));
  }

  private void dependency(String artifact, String ourVersion, Element dependency) {
    String name = text(dependency, "groupId") + ":" + text(dependency, "artifactId");
    String version = text(dependency, "version").replace(OWN_VERSION, ourVersion);
    String scope = text(dependency, "scope");
    if (version.isBlank() || version.endsWith("-SNAPSHOT") || version.contains("[") || version.contains("LATEST") || version.contains("RELEASE")) {
      finding(artifact, "depends on " + name + " of version \"" + version + "\": expected the version of a release");
    }
    if (scope.equals("system") || scope.equals("test")) {
      finding(artifact, "depends on " + name + " with scope " + scope);
    }
    if (text(dependency, "groupId").equals(GROUP)) {
      expect(artifact, "version of " + name, ourVersion, version);
      if (!poms.containsKey(text(dependency, "artifactId"))) {
        finding(artifact, "depends on " + name + ", which is not staged");
      }
    }
  }

  // ---- Files

  private void files(String artifact, Path folder) throws IOException {
    String stem = artifact + "-" + folder.getFileName();
    boolean jar = text(poms.get(artifact), "packaging").isBlank() || text(poms.get(artifact), "packaging").equals("jar");
    for (String suffix : jar ? List.of(".jar", "-sources.jar", "-javadoc.jar", "-cyclonedx.json") : List.of(".pom")) {
      if (!Files.isRegularFile(folder.resolve(stem + suffix))) {
        finding(artifact, "has no " + stem + suffix);
      }
    }
    List<Path> files;
    try (Stream<Path> all = Files.list(folder)) {
      files = all.sorted().toList();
    }
    for (Path file : files) {
      String name = file.getFileName().toString();
      if (name.matches(".*\\.(asc|md5|sha1|sha256|sha512)")) {
        continue;
      }
      checksum(artifact, file, "MD5", ".md5");
      checksum(artifact, file, "SHA-1", ".sha1");
      signature(artifact, file);
      if (name.endsWith(".jar")) {
        jar(artifact, file, name.equals(stem + ".jar"));
      }
    }
  }

  private void checksum(String artifact, Path file, String algorithm, String suffix) throws IOException {
    Path sum = file.resolveSibling(file.getFileName() + suffix);
    if (!Files.isRegularFile(sum)) {
      finding(artifact, "has no " + sum.getFileName());
      return;
    }
    try {
      String expected = HexFormat.of().formatHex(MessageDigest.getInstance(algorithm).digest(Files.readAllBytes(file)));
      expect(artifact, sum.getFileName().toString(), expected, Files.readString(sum).strip());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private void signature(String artifact, Path file) throws IOException {
    Path signature = file.resolveSibling(file.getFileName() + ".asc");
    if (!Files.isRegularFile(signature) || !Files.readString(signature, US_ASCII).startsWith("-----BEGIN PGP SIGNATURE-----")) {
      finding(artifact, "has no signature " + signature.getFileName());
    }
  }

  private void jar(String artifact, Path file, boolean main) throws IOException {
    String fileName = file.getFileName().toString();
    try (JarFile jar = new JarFile(file.toFile())) {
      for (String entry : List.of("META-INF/LICENSE", "META-INF/NOTICE")) {
        if (jar.getEntry(entry) == null) {
          finding(artifact, fileName + " has no " + entry);
        }
      }
      Set<String> packages = new TreeSet<>();
      for (JarEntry entry : jar.stream().toList()) {
        if (main && entry.getName().endsWith(".class")) {
          classFile(artifact, jar, entry);
          packages.add(entry.getName().substring(0, entry.getName().lastIndexOf('/') + 1));
        }
      }
      for (String name : packages) {
        stability(artifact, jar, name);
      }
      if (main) {
        if (jar.getManifest() == null || jar.getManifest().getMainAttributes().getValue("Automatic-Module-Name") == null) {
          finding(artifact, fileName + " has no Automatic-Module-Name");
        }
      }
    }
  }

  /** Each package that people write says how stable it is. */
  private void stability(String artifact, JarFile jar, String folder) throws IOException {
    JarEntry info = jar.getJarEntry(folder + "package-info.class");
    if (GENERATED.matcher(folder).lookingAt()) {
      return;
    }
    if (info == null || !new String(jar.getInputStream(info).readAllBytes(), ISO_8859_1).contains("Lorg/apiguardian/api/API;")) {
      finding(artifact, folder + "package-info says no @API status");
    }
  }

  private void classFile(String artifact, JarFile jar, JarEntry entry) throws IOException {
    try (InputStream in = jar.getInputStream(entry)) {
      DataInputStream data = new DataInputStream(in);
      data.readInt();
      data.readUnsignedShort();
      int version = data.readUnsignedShort();
      if (version > JAVA_21) {
        finding(artifact, entry.getName() + " is compiled for class files of version " + version + ": expected at most " + JAVA_21 + ", Java 21");
      }
    }
  }

  // ---- The checkout and the BOM

  /** Each module is staged or says {@code maven.deploy.skip}, and nothing else is staged. */
  private void modules(Path checkout) throws IOException {
    Set<String> published = new TreeSet<>();
    List<Path> modules;
    try (Stream<Path> all = Files.walk(checkout, 3)) {
      modules = all.filter(f -> f.endsWith("pom.xml") && !f.getParent().equals(checkout) && !checkout.relativize(f).toString().contains("target")).sorted().toList();
    }
    for (Path file : modules) {
      Element pom = parse(file);
      if (text(pom, "parent/groupId").equals(GROUP)) {
        String artifact = text(pom, "artifactId");
        expect(artifact, "version of the parent in " + file, "${revision}", text(pom, "parent/version"));
        if (!text(pom, "properties/maven.deploy.skip").equals("true")) {
          published.add(artifact);
        }
      }
    }
    difference(published, poms.keySet()).forEach(a -> finding(a, "is not staged: a module is published or says maven.deploy.skip"));
    difference(poms.keySet(), published).forEach(a -> finding(a, "is staged, and is no module that is published"));
  }

  /** The BOM names what is staged, and nothing of others'. */
  private void bom() {
    Element bom = poms.get("luciole-bom");
    if (bom == null) {
      finding("luciole-bom", "is not staged");
      return;
    }
    Set<String> named = new TreeSet<>();
    for (Element dependency : dependencies(bom, "dependencyManagement/dependencies")) {
      expect("luciole-bom", "group of " + text(dependency, "artifactId"), GROUP, text(dependency, "groupId"));
      dependency("luciole-bom", text(bom, "version"), dependency);
      named.add(text(dependency, "artifactId"));
    }
    Set<String> staged = new TreeSet<>(poms.keySet());
    staged.remove("luciole-bom");
    difference(staged, named).forEach(a -> finding("luciole-bom", "does not name " + a));
  }

  private static Set<String> difference(Set<String> of, Set<String> without) {
    Set<String> rest = new TreeSet<>(of);
    rest.removeAll(without);
    return rest;
  }

  // ---- XML

  private void expect(String artifact, String what, String expected, String found) {
    if (!expected.equals(found)) {
      finding(artifact, what + ": expected \"" + expected + "\", found \"" + found + "\"");
    }
  }

  private static Element parse(Path file) throws IOException {
    try {
      return DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(file.toFile()).getDocumentElement();
    } catch (javax.xml.parsers.ParserConfigurationException | org.xml.sax.SAXException e) {
      throw new IOException(file + " cannot be read: " + e.getMessage(), e);
    }
  }

  private static List<Element> children(Node node) {
    List<Element> children = new ArrayList<>();
    for (Node child = node.getFirstChild(); child != null; child = child.getNextSibling()) {
      if (child instanceof Element element) {
        children.add(element);
      }
    }
    return children;
  }

  private static List<Element> dependencies(Element pom, String path) {
    Element list = find(pom, path);
    return list == null ? List.of() : children(list);
  }

  /** The first element of a path such as {@code scm/url}; null if there is none. */
  private static Element find(Element from, String path) {
    Element at = from;
    for (String name : path.split("/")) {
      at = children(at).stream().filter(child -> child.getTagName().equals(name)).findFirst().orElse(null);
      if (at == null) {
        return null;
      }
    }
    return at;
  }

  private static String text(Element from, String path) {
    Element element = find(from, path);
    return element == null ? "" : element.getTextContent().strip();
  }
}
