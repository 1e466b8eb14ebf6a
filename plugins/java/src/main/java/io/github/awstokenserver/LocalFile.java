package io.github.awstokenserver;

import java.io.IOException;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;

/** Files that a setting names. */
final class LocalFile {
    private LocalFile() {
    }

    /** Returns the text of a regular file without the blanks around it, which is at most so many bytes. */
    static String read(String path, int most) {
        byte[] content;
        try {
            Path file = Path.of(path);
            if (Files.exists(file) && !Files.isRegularFile(file)) {
                // To open a pipe could block forever.
                throw TokenServerException.invalid(Json.quote(path) + " is not a regular file");
            }
            try (InputStream in = Files.newInputStream(file)) {
                content = in.readNBytes(most + 1);
            }
        } catch (IOException | InvalidPathException e) {
            String reason = e instanceof NoSuchFileException ? "it does not exist" : e.getClass().getSimpleName();
            throw TokenServerException.notConfigured("the file " + Json.quote(path) + " cannot be read: " + reason);
        }
        if (content.length > most) {
            throw TokenServerException.invalid(
                "the file " + Json.quote(path) + " is larger than " + most / 1024 + " KiB");
        }
        String text = Blanks.trim(new String(content, StandardCharsets.UTF_8));
        if (text.isEmpty()) {
            throw TokenServerException.notConfigured("the file " + Json.quote(path) + " is empty");
        }
        return text;
    }
}
