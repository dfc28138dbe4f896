import com.fasterxml.jackson.core.json.JsonWriteFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.github.dockerjava.api.model.AuthConfig;
import com.google.cloud.tools.jib.api.Containerizer;
import com.google.cloud.tools.jib.api.CredentialRetriever;
import com.google.cloud.tools.jib.api.Jib;
import com.google.cloud.tools.jib.api.RegistryImage;
import com.google.cloud.tools.jib.frontend.CredentialRetrieverFactory;
import java.nio.file.Path;
import java.util.Base64;
import java.util.Map;
import land.oras.ContainerRef;
import land.oras.auth.AuthStore;
import org.springframework.boot.buildpack.platform.docker.configuration.DockerRegistryAuthentication;
import org.springframework.boot.buildpack.platform.docker.type.ImageReference;
import org.testcontainers.utility.DockerImageName;
import org.testcontainers.utility.RegistryAuthLocator;

/** Prints what a library would pull an image with, as a credential helper does. */
public class Ask {
    private static final JsonMapper JSON =
            JsonMapper.builder().enable(JsonWriteFeature.ESCAPE_NON_ASCII).build();

    public static void main(String[] args) {
        try {
            ask(args);
            System.exit(0);
        } catch (Throwable error) {
            Throwable cause = error;
            while (cause.getCause() != null) {
                cause = cause.getCause();
            }
            System.err.println(cause == error ? cause : error + ": " + cause);
            System.exit(1);
        }
    }

    private static void ask(String[] args) throws Exception {
        switch (args[0]) {
            case "testcontainers" -> {
                AuthConfig found = RegistryAuthLocator.instance()
                        .lookupAuthConfig(DockerImageName.parse(args[1]), new AuthConfig());
                print(found.getUsername(), found.getPassword());
            }
            case "spring" -> {
                String header = DockerRegistryAuthentication.configuration(null)
                        .getAuthHeader(ImageReference.of(args[1]));
                JsonNode found = JSON.readTree(header == null ? "{}".getBytes()
                        : Base64.getUrlDecoder().decode(header));
                print(found.path("username").asText(null), found.path("password").asText(null));
            }
            case "jib" -> {
                var found = retriever(args[1]).retrieve();
                print(found.map(it -> it.getUsername()).orElse(null),
                        found.map(it -> it.getPassword()).orElse(null));
            }
            case "oras" -> {
                AuthStore.Credential found = AuthStore.newStore().get(ContainerRef.parse(args[1]));
                print(found == null ? null : found.username(),
                        found == null ? null : found.password());
            }
            case "jib-push" -> Jib
                    .from(RegistryImage.named(args[1]).addCredentialRetriever(retriever(args[1])))
                    .containerize(Containerizer.to(RegistryImage.named(args[2])
                            .addCredentialRetriever(retriever(args[2]))));
            default -> throw new IllegalArgumentException(args[0]);
        }
    }

    private static CredentialRetriever retriever(String image) throws Exception {
        Path config = Path.of(System.getProperty("user.home"), ".docker", "config.json");
        var reference = com.google.cloud.tools.jib.api.ImageReference.parse(image);
        return CredentialRetrieverFactory.forImage(reference, event -> {}).dockerConfig(config);
    }

    private static void print(String username, String secret) throws Exception {
        System.out.println(JSON.writeValueAsString(
                username == null ? Map.of() : Map.of("Username", username, "Secret", secret)));
    }
}
