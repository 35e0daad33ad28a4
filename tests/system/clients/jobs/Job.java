/* Run by ./java: HOST PORT USER PASSFILE CACERT DIRECTORY VERB LOCAL NAME. */
import java.io.File;
import java.io.FileInputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import org.apache.commons.net.ftp.FTPFile;
import org.apache.commons.net.ftp.FTPSClient;

class Job {
    static FTPSClient ftp;

    static void must(boolean done) throws IOException {
        if (!done)
            throw new IOException(ftp.getReplyString().trim());
    }

    static void put(String local, String name) throws IOException {
        try (InputStream in = new FileInputStream(local)) {
            must(ftp.storeFile(name, in));
        }
    }

    static void slow(String local, String name) throws Exception {
        OutputStream out = ftp.storeFileStream(name);

        must(out != null);
        out.write(Files.readAllBytes(Path.of(local)), 0, 1500000);
        out.flush();
        Thread.sleep(60000);
    }

    static void resume(String local, String name) throws IOException {
        long at = Long.parseLong(ftp.getSize(name));

        ftp.setRestartOffset(at);
        try (InputStream rest = new FileInputStream(local)) {
            rest.skipNBytes(at);
            must(ftp.storeFile(name, rest));
        }
    }

    static void look(String local, String name) throws IOException {
        put(local, name);
        System.out.println("size " + ftp.getSize(name));
        System.out.println("time " + ftp.getModificationTime(name));
        for (FTPFile f : ftp.listFiles())
            System.out.println("list " + f.getRawListing());
    }

    static void play(String verb, String local, String name) throws Exception {
        switch (verb) {
        case "put" -> put(local, name);
        case "slow" -> slow(local, name);
        case "resume" -> resume(local, name);
        case "many" -> {
            for (File f : new File(local).listFiles())
                put(f.getPath(), f.getName());
        }
        case "temp" -> {
            put(local, name + ".part");
            must(ftp.rename(name + ".part", name));
        }
        case "look" -> look(local, name);
        case "delete" -> must(ftp.deleteFile(local));
        }
    }

    public static void main(String[] args) throws Exception {
        int status = 0;

        ftp = Play.enter("TLSv1.3", new String[] { "job", args[0], args[1], args[2],
                                                   args[3], args[4] });
        must(ftp.changeWorkingDirectory(args[5]));
        try {
            play(args[6], args[7], args.length > 8 ? args[8] : null);
        } catch (IOException e) {
            System.out.println(e.getMessage());
            status = 1;
        }
        Runtime.getRuntime().halt(status); /* as commons-net.java ends */
    }
}
