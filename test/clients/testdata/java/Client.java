import java.nio.file.Files;
import java.nio.file.Path;
import software.amazon.awssdk.auth.credentials.ProfileCredentialsProvider;
import software.amazon.awssdk.core.util.VersionInfo;
import software.amazon.awssdk.services.sts.StsClient;

/** Asks STS who it is for each profile in its arguments; without any, it prints the version of the SDK. */
class Client {
    public static void main(String[] profiles) throws InterruptedException {
        if (profiles.length == 0) {
            System.out.println(VersionInfo.SDK_VERSION);
        }
        for (String profile : profiles) {
            var builder = StsClient.builder();
            if (!profile.isEmpty()) {
                builder.credentialsProvider(ProfileCredentialsProvider.create(profile));
                builder.overrideConfiguration(o -> o.defaultProfileName(profile));
            }
            try (var sts = builder.build()) {
                sts.getCallerIdentity();
                while (Files.exists(Path.of(System.getenv().getOrDefault("LOOP", "")))) {
                    Thread.sleep(50);
                    sts.getCallerIdentity();
                }
            }
        }
    }
}
