/* Apache Commons Net's FTPSClient, run by commons-net*.sh: STEP HOST PORT USER
 * PASSFILE CACERT, then COUNT EACH for many of the same, or for uploads that
 * are left the user's HOME on the server. It hands the control connection's session over to its data
 * connections: the library has no setting for it but a hook, and the JDK keeps
 * sessions in a cache that it shows to nobody who hasn't got --add-opens. */
import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.FileInputStream;
import java.io.InputStream;
import java.io.OutputStream;
import java.io.PrintWriter;
import java.lang.reflect.Field;
import java.lang.reflect.Method;
import java.net.Socket;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.KeyStore;
import java.security.cert.CertificateFactory;
import java.time.Duration;
import java.util.Arrays;
import java.util.stream.Stream;
import javax.net.ssl.SSLSocket;
import javax.net.ssl.TrustManagerFactory;
import org.apache.commons.net.PrintCommandListener;
import org.apache.commons.net.ftp.FTP;
import org.apache.commons.net.ftp.FTPFile;
import org.apache.commons.net.ftp.FTPSClient;

class Play {
    static final String[] VERSIONS = { "TLSv1.2", "TLSv1.3" };
    static final int SENT = 1500000; /* before the cut */
    static final int BLOCKS = 131072; /* more than one block of 64 KiB */

    /* The JDK looks for a session under the peer's address and port. */
    static class Client extends FTPSClient {
        @Override
        protected void _prepareDataSocket_(Socket data) {
            Object context =
                ((SSLSocket)_socket_).getSession().getSessionContext();
            if (context == null || data == null)
                return; /* it was offered once, and refused; so was a command */
            try {
                Field field =
                    context.getClass().getDeclaredField("sessionHostPortCache");
                field.setAccessible(true);
                Object cache = field.get(context);
                Object session = method(cache, "get", Object.class)
                                     .invoke(cache, key(_socket_));
                if (session != null)
                    method(cache, "put", Object.class, Object.class)
                        .invoke(cache, key(data), session);
            } catch (ReflectiveOperationException e) {
                throw new IllegalStateException(e);
            }
        }

        private static Method method(Object o, String name, Class<?>... types)
            throws ReflectiveOperationException {
            Method m = o.getClass().getMethod(name, types);
            m.setAccessible(true);
            return m;
        }

        private static String key(Socket s) {
            return s.getInetAddress().getHostAddress() + ":" + s.getPort();
        }
    }

    static void must(boolean done, String what) {
        if (!done)
            throw new IllegalStateException(what);
    }

    static void must(FTPSClient ftp, boolean done, int code) {
        must(done && ftp.getReplyCode() == code,
             code + " expected: " + ftp.getReplyString());
    }

    static TrustManagerFactory trust(String file) throws Exception {
        KeyStore trusted = KeyStore.getInstance(KeyStore.getDefaultType());
        TrustManagerFactory factory = TrustManagerFactory.getInstance(
            TrustManagerFactory.getDefaultAlgorithm());

        trusted.load(null);
        try (InputStream in = new FileInputStream(file)) {
            trusted.setCertificateEntry("server",
                CertificateFactory.getInstance("X.509").generateCertificate(in));
        }
        factory.init(trusted);
        return factory;
    }

    static FTPSClient enter(String version, String[] args) throws Exception {
        boolean hook = !args[0].startsWith("plain");
        FTPSClient ftp = hook ? new Client() : new FTPSClient();

        ftp.addProtocolCommandListener(
            new PrintCommandListener(new PrintWriter(System.err), true));
        ftp.setConnectTimeout(30000);
        ftp.setDefaultTimeout(30000);
        ftp.setDataTimeout(Duration.ofSeconds(30));
        ftp.setTrustManager(trust(args[5]).getTrustManagers()[0]);
        ftp.setEndpointCheckingEnabled(true);
        ftp.setEnabledProtocols(new String[] { version });
        ftp.connect(args[1], Integer.parseInt(args[2]));
        must(ftp, ftp.login(args[3], Files.readString(Path.of(args[4]))), 230);
        ftp.execPBSZ(0);
        ftp.execPROT("P");
        ftp.enterLocalPassiveMode();
        ftp.setFileType(FTP.BINARY_FILE_TYPE);
        return ftp;
    }

    static void fetch(FTPSClient ftp, String name, byte[] all, int from)
        throws Exception {
        ByteArrayOutputStream got = new ByteArrayOutputStream();

        ftp.setRestartOffset(from);
        must(ftp, ftp.retrieveFile(name, got), 226);
        must(Arrays.equals(Arrays.copyOfRange(all, from, all.length),
                           got.toByteArray()),
             name + " differs from " + from);
    }

    static boolean has(FTPFile[] listing, String name, long size) {
        for (FTPFile f : listing)
            if (f.isFile() && f.getName().equals(name) && f.getSize() == size)
                return true;
        return false;
    }

    static void listed(FTPSClient ftp, String name, long size, boolean there)
        throws Exception {
        must(has(ftp.listFiles(), name, size) == there, "LIST: " + name);
        must(ftp, true, 226);
        must(has(ftp.mlistDir(), name, size) == there, "MLSD: " + name);
        must(ftp, true, 226);
    }

    /* As the library comes, it believes anybody. */
    static void careless(String[] args) throws Exception {
        FTPSClient ftp = new FTPSClient();

        ftp.connect(args[1], Integer.parseInt(args[2]));
        must(ftp.getReplyCode() == 234, "it is careful now: change the docs");
        ftp.disconnect();
    }

    static void whole(FTPSClient ftp, byte[] all) throws Exception {
        must(ftp, ftp.storeFile("a", new ByteArrayInputStream(all)), 226);
        fetch(ftp, "a", all, 0);
        fetch(ftp, "a", all, 1000000);
        listed(ftp, "a", all.length, true);
        must(ftp, ftp.rename("a", "b"), 250);
        listed(ftp, "a", all.length, false);
        listed(ftp, "b", all.length, true);
        must(ftp, ftp.deleteFile("b"), 250);
        ftp.quit();
    }

    static boolean isPartial(Path file) {
        String name = file.getFileName().toString();

        return name.startsWith(".sallyport-") && name.endsWith(".part") &&
            file.toFile().length() > BLOCKS;
    }

    static long partials(Path home) throws Exception {
        try (Stream<Path> files = Files.list(home)) {
            return files.filter(Play::isPartial).count();
        }
    }

    /* Left in the middle, when COUNT uploads have some bytes on the disk. */
    static void half(FTPSClient ftp, FTPSClient other, byte[] all, String name,
                     Path home, int count) throws Exception {
        long end = System.nanoTime() + Duration.ofSeconds(20).toNanos();
        OutputStream out = ftp.storeFileStream(name);

        must(ftp, out != null, 150);
        out.write(all, 0, SENT);
        out.flush();
        while (partials(home) < count) {
            must(System.nanoTime() < end, "nothing of it is there");
            Thread.sleep(20);
        }
        listed(other, name, all.length, false);
    }

    static void rest(FTPSClient ftp, byte[] all, String name) throws Exception {
        int at = Integer.parseInt(ftp.getSize(name));

        must(at > 0 && at < SENT, "a size of " + at);
        ftp.setRestartOffset(at);
        InputStream rest = new ByteArrayInputStream(all, at, all.length - at);
        must(ftp, ftp.storeFile(name, rest), 226);
        fetch(ftp, name, all, 0);
        listed(ftp, name, all.length, true);
        ftp.quit();
    }

    static void upload(FTPSClient ftp, String name, int i) throws Exception {
        byte[] some = (i + " of many").getBytes();

        must(ftp, ftp.storeFile(name, new ByteArrayInputStream(some)), 226);
    }

    static class Uploads extends Thread {
        final String version, args[], name;
        volatile boolean done;

        Uploads(String version, String[] args, int n) {
            this.version = version;
            this.args = args;
            name = version + "-" + n + "-";
        }

        @Override
        public void run() {
            try {
                FTPSClient ftp = enter(version, args);
                for (int i = 0; i < Integer.parseInt(args[7]); i++)
                    upload(ftp, name + i, i);
                ftp.quit();
                done = true;
            } catch (Exception e) {
                e.printStackTrace();
            }
        }
    }

    /* In one session up and down, and in each of four at once only up. */
    static void many(FTPSClient ftp, String version, String[] args)
        throws Exception {
        Uploads[] all = new Uploads[4];

        for (int i = 0; i < Integer.parseInt(args[6]) / 2; i++) {
            upload(ftp, "m", i);
            fetch(ftp, "m", (i + " of many").getBytes(), 0);
        }
        for (int n = 0; n < all.length; n++) {
            all[n] = new Uploads(version, args, n);
            all[n].start();
        }
        for (Uploads one : all) {
            one.join();
            must(one.done, "an upload failed");
        }
        ftp.quit();
    }

    /* By the words a user can ask the administrator for what he needs. */
    static void refused(FTPSClient ftp, String version) throws Exception {
        must(!ftp.storeFile("r" + version, new ByteArrayInputStream(
                 new byte[] { 1 })), "it resumes: change the docs");
        must(ftp, true, 425);
        must(ftp.getReplyString().contains("not resumed"), "words");
        must(ftp.getReplyString().contains("--data-binding address"), "words");
        must(ftp.listFiles().length == 0 && ftp.getReplyCode() == 425, "LIST");
        ftp.quit();
    }

    static void changed(FTPSClient ftp, String way, String name) throws Exception {
        Path file = Path.of(name);
        boolean up = way.equals("up");
        long at = up ? Long.parseLong(ftp.getSize(name)) : Files.size(file);

        ftp.setRestartOffset(at);
        if (up) {
            InputStream rest = new FileInputStream(name);
            must(rest.skip(at) == at, "skip");
            must(ftp, ftp.storeFile(name, rest), 226);
        } else {
            must(ftp, ftp.retrieveFile(name, Files.newOutputStream(file, StandardOpenOption.APPEND)), 226);
        }
        ftp.quit();
    }

    public static void main(String[] args) throws Exception {
        byte[] all = Files.readAllBytes(Path.of("up"));
        int halves = 0;

        careless(args);
        for (String version : VERSIONS) {
            FTPSClient ftp = enter(version, args);
            if (args[0].equals("changed") && version.equals("TLSv1.3"))
                changed(ftp, args[6], "changed/" + args[7]);
            else if (args[0].equals("changed"))
                ftp.disconnect();
            else if (args[0].equals("half"))
                half(ftp, enter(version, args), all, version,
                     Path.of(args[6]), ++halves);
            else if (args[0].equals("rest"))
                rest(ftp, all, version);
            else if (args[0].equals("slowly"))
                must(ftp, ftp.storeFile("kept", new FileInputStream("slow")),
                     226);
            else if (args[0].endsWith("many"))
                many(ftp, version, args);
            else if (args[0].endsWith("refused"))
                refused(ftp, version);
            else
                whole(ftp, all);
        }
        Runtime.getRuntime().halt(0); /* nothing is closed in order */
    }
}
