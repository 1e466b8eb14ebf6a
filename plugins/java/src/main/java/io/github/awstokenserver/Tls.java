package io.github.awstokenserver;

import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.net.Socket;
import java.nio.charset.StandardCharsets;
import java.security.GeneralSecurityException;
import java.security.KeyFactory;
import java.security.KeyStore;
import java.security.PrivateKey;
import java.security.cert.Certificate;
import java.security.cert.CertificateException;
import java.security.cert.CertificateFactory;
import java.security.spec.InvalidKeySpecException;
import java.security.spec.PKCS8EncodedKeySpec;
import java.util.ArrayList;
import java.util.Base64;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.net.ssl.KeyManager;
import javax.net.ssl.KeyManagerFactory;
import javax.net.ssl.SSLContext;
import javax.net.ssl.SSLParameters;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManager;
import javax.net.ssl.TrustManagerFactory;

/** Authorities to trust, and a certificate to show. */
final class Tls {
    private static final int MOST_OF_A_FILE = 1024 * 1024;
    private static final String BUNDLE = "AWS_CA_BUNDLE";
    private static final List<String> KEY_ALGORITHMS = List.of("EC", "RSA", "EdDSA");

    private final SSLContext context;

    private Tls(SSLContext context) {
        this.context = context;
    }

    /** Reads the files of a document, and those of the environment where it has none. */
    static Tls of(HttpSource source) {
        String bundle = Blanks.trimToNull(System.getenv(BUNDLE));
        try {
            TrustManager[] trusted = source.caFile() != null ? trust(source.caFile(), "http.ca_file")
                                     : bundle != null ? trust(bundle, BUNDLE)
                                     : null;
            KeyManager[] shown = source.certFile() == null ? null : show(source.certFile(), source.keyFile());
            if (trusted == null && shown == null) {
                return new Tls(SSLContext.getDefault());
            }
            SSLContext context = SSLContext.getInstance("TLS");
            context.init(shown, trusted, null);
            return new Tls(context);
        } catch (GeneralSecurityException | IOException e) {
            throw TokenServerException.invalid("TLS cannot be set up").causedBy(e);
        }
    }

    private static TrustManager[] trust(String path, String setting) throws GeneralSecurityException, IOException {
        KeyStore store = emptyStore();
        for (Certificate certificate : certificates(path, setting)) {
            store.setCertificateEntry(String.valueOf(store.size()), certificate);
        }
        TrustManagerFactory factory = TrustManagerFactory.getInstance(TrustManagerFactory.getDefaultAlgorithm());
        factory.init(store);
        return factory.getTrustManagers();
    }

    private static KeyManager[] show(String certFile, String keyFile) throws GeneralSecurityException, IOException {
        Certificate[] chain = certificates(certFile, "http.cert_file").toArray(new Certificate[0]);
        KeyStore store = emptyStore();
        store.setKeyEntry("client", key(keyFile, chain[0]), new char[0], chain);
        KeyManagerFactory factory = KeyManagerFactory.getInstance(KeyManagerFactory.getDefaultAlgorithm());
        factory.init(store, new char[0]);
        return factory.getKeyManagers();
    }

    private static KeyStore emptyStore() throws GeneralSecurityException, IOException {
        KeyStore store = KeyStore.getInstance(KeyStore.getDefaultType());
        store.load(null);
        return store;
    }

    private static List<Certificate> certificates(String path, String setting) throws CertificateException {
        List<Certificate> certificates = new ArrayList<>();
        try {
            CertificateFactory factory = CertificateFactory.getInstance("X.509");
            for (byte[] block : pem(path, "CERTIFICATE")) {
                certificates.add(factory.generateCertificate(new ByteArrayInputStream(block)));
            }
        } catch (TokenServerException e) {
            throw e.in(setting);
        } catch (CertificateException | IllegalArgumentException e) {
            certificates.clear();
        }
        if (certificates.isEmpty()) {
            throw TokenServerException.invalid(setting + ": there is no certificate in PEM in " + Json.quote(path));
        }
        return certificates;
    }

    private static PrivateKey key(String path, Certificate certificate) throws GeneralSecurityException {
        try {
            for (byte[] block : pem(path, "PRIVATE KEY")) {
                for (String algorithm : KEY_ALGORITHMS) {
                    try {
                        PrivateKey key =
                            KeyFactory.getInstance(algorithm).generatePrivate(new PKCS8EncodedKeySpec(block));
                        if (algorithm.equals(certificate.getPublicKey().getAlgorithm())) {
                            return key;
                        }
                    } catch (InvalidKeySpecException e) {
                        // It is a key of another algorithm.
                    }
                }
            }
        } catch (IllegalArgumentException e) {
            // It is not base64.
        } catch (TokenServerException e) {
            throw e.in("http.key_file");
        }
        throw TokenServerException.invalid(
            "http.key_file: there is no key of the certificate in PEM in " + Json.quote(path)).withHint(
            "write it as PKCS#8, without a password: openssl pkcs8 -topk8 -nocrypt");
    }

    private static List<byte[]> pem(String path, String label) {
        List<byte[]> blocks = new ArrayList<>();
        Matcher matcher = Pattern.compile("-----BEGIN " + label + "-----([^-]*)-----END " + label + "-----").matcher(
            LocalFile.read(path, MOST_OF_A_FILE));
        while (matcher.find()) {
            blocks.add(Base64.getMimeDecoder().decode(matcher.group(1).getBytes(StandardCharsets.US_ASCII)));
        }
        return blocks;
    }

    /** Secures a connection, and verifies the host's certificate. */
    SSLSocket secure(Socket connection, String host, int port) throws IOException {
        String name = host.startsWith("[") ? host.substring(1, host.length() - 1) : host;
        SSLSocket socket = (SSLSocket) context.getSocketFactory().createSocket(connection, name, port, true);
        SSLParameters parameters = socket.getSSLParameters();
        parameters.setEndpointIdentificationAlgorithm("HTTPS");
        socket.setSSLParameters(parameters);
        return socket;
    }

    /** Reports whether a connection failed because a certificate is not trusted. */
    static boolean isUntrusted(Throwable e) {
        for (Throwable cause = e; cause != null; cause = cause.getCause()) {
            if (cause instanceof CertificateException) {
                return true;
            }
        }
        return false;
    }
}
