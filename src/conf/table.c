/* The table of settings: the only place that knows a key. Parser, --check,
 * example file, manual page and docs/settings.md come from these rows.
 * Runs in every process that reads the configuration; must never know one. */
#include "sallyport/conf/settings.h"

#include <stddef.h>

#include "kinds.h"

#define FIELD(name) offsetof(struct settings, name)
#define SECOND      UINT64_C(1000)
#define HOUR        (UINT64_C(3600) * SECOND)

const struct setting setting_table[] = {
    { .key = "listen",
      .type = SETTING_LISTEN,
      .offset = FIELD(listen),
      .value = "0.0.0.0:21, [::]:21",
      .help = "Addresses and ports of the control channel, at most 16; "
              "port 0 lets the kernel choose. Behind one with the word tls, "
              "such as 0.0.0.0:990 tls, TLS begins with the first byte "
              "(implicit TLS); behind the others, with AUTH TLS. To one with "
              "the word proxy only proxies connect, such as HAProxy with "
              "send-proxy-v2: each connection begins with a PROXY header, "
              "version 1 or 2, that names the client. Both words are "
              "possible." },
    { .key = "proxies",
      .type = SETTING_NETWORKS,
      .offset = FIELD(proxies),
      .value = "",
      .reload = true,
      .help = "The addresses and networks of those proxies, at most 32. Their "
              "word on a client's address counts; from elsewhere a "
              "connection to such a listener is closed." },
    { .key = "certificate",
      .type = SETTING_PATH,
      .offset = FIELD(certificate),
      .value = "/etc/sallyport/tls/certificate.pem",
      .reload = true,
      .help = "The server's certificate and its chain, PEM." },
    { .key = "key",
      .type = SETTING_PATH,
      .offset = FIELD(key),
      .value = "/etc/sallyport/tls/key.pem",
      .reload = true,
      .help = "The certificate's private key, PEM; not readable by others." },
    { .key = "certificate.",
      .keyed = "LABEL",
      .type = SETTING_LABELLED,
      .offset = FIELD(certificates),
      .value = "",
      .reload = true,
      .help = "One more certificate, at most 15, each with its key.LABEL: of "
              "another kind (RSA beside ECDSA) or for other names; a client "
              "gets the one for the name that it asks for, or the first." },
    { .key = "key.",
      .keyed = "LABEL",
      .type = SETTING_LABELLED,
      .offset = FIELD(keys),
      .value = "",
      .reload = true,
      .help = "The private key of certificate.LABEL." },
    { .key = "ocsp_file",
      .type = SETTING_FILE,
      .offset = FIELD(ocsp_file),
      .value = "",
      .reload = true,
      .help = "An OCSP response in DER form about the certificate, which goes "
              "out with it to clients that ask (stapling) for as long as it "
              "counts. Something else must fetch a new one: see "
              "certificates.md in /usr/share/doc/sallyport." },
    { .key = "ocsp_file.",
      .keyed = "LABEL",
      .type = SETTING_LABELLED,
      .offset = FIELD(ocsp_files),
      .value = "",
      .reload = true,
      .help = "The same for certificate.LABEL." },
    { .key = "client_certificates",
      .type = SETTING_CLIENTS,
      .offset = FIELD(client_certificates),
      .value = "off",
      .reload = true,
      .help = "Whether clients show a certificate of client_ca: none is asked "
              "for; who has one shows it (request); or nobody comes in without "
              "(require). One that isn't good ends the connection. Which user "
              "must show which is in the users file: certificate=, login=." },
    { .key = "client_ca",
      .type = SETTING_FILE,
      .offset = FIELD(client_ca),
      .value = "",
      .reload = true,
      .help = "The certificates of the CAs that clients' certificates come "
              "from, or single ones of clients themselves, PEM." },
    { .key = "client_crl",
      .type = SETTING_FILE,
      .offset = FIELD(client_crl),
      .value = "",
      .reload = true,
      .help =
          "Their revocation lists (CRL), PEM; then each CA needs one, and "
          "when it has expired no client gets in with a certificate. Empty: "
          "nothing is revoked." },
    { .key = "users",
      .type = SETTING_PATH,
      .offset = FIELD(users),
      .value = "/etc/sallyport/users",
      .reload = true,
      .help = "The users file, see sallyport-users(5); not readable by "
              "others." },
    { .key = "homes",
      .type = SETTING_PATH,
      .offset = FIELD(homes),
      .value = "/srv/sallyport",
      .reload = true,
      .help = "The folder in which \"sallyportctl user add\" makes homes; "
              "without root every home must lie beneath it." },
    { .key = "empty",
      .type = SETTING_PATH,
      .offset = FIELD(empty),
      .value = "/run/sallyport/empty",
      .help = "The empty folder to which processes without files are "
              "confined; made when missing." },
    { .key = "state",
      .type = SETTING_PATH,
      .offset = FIELD(state),
      .value = "/var/lib/sallyport",
      .help = "The folder of what outlives a restart, made when missing: the "
              "key that finds unfinished uploads again." },
    { .key = "control",
      .type = SETTING_PATH,
      .offset = FIELD(control),
      .value = "/run/sallyport/control",
      .help = "The socket on which the server answers sallyportctl; its folder "
              "is made when missing; without root the default is \"control\" "
              "in the folder of the configuration." },
    { .key = "ports",
      .type = SETTING_PORTS,
      .offset = FIELD(ports),
      .value = "30000-30099",
      .min = 1024,
      .max = 65535,
      .help =
          "Ports of data connections, which a firewall must let in; best below "
          "net.ipv4.ip_local_port_range, where no outgoing connection takes "
          "one; "
          "\"auto N\" takes N ports that the kernel chooses. With the word "
          "proxy behind them, clients who came by a proxy come to them by a "
          "proxy too, and with a header." },
    { .key = "address",
      .type = SETTING_ADDRESS,
      .offset = FIELD(address),
      .value = "",
      .help = "The public address to tell clients for data connections, for "
              "a server behind NAT: an IP address, or a host name, which is "
              "looked up again and again; empty: the one they connected "
              "to." },
    { .key = "address.",
      .keyed = "NETWORK",
      .type = SETTING_TOLD,
      .offset = FIELD(told),
      .value = "",
      .help = "The same for clients of one network, such as "
              "address.10.0.0.0/8; at most 32 lines, the longest network "
              "wins." },
    { .key = "address_refresh",
      .type = SETTING_DURATION,
      .offset = FIELD(address_refresh),
      .value = "300s",
      .min = SECOND,
      .max = 24 * HOUR,
      .reload = true,
      .help = "Time between two looks at a host name in address or "
              "address.NETWORK; half a minute at most while one has no "
              "address." },
    { .key = "active",
      .type = SETTING_YES_NO,
      .offset = FIELD(active),
      .value = "no",
      .help = "Active mode (PORT, EPRT): gate may then make connections; it "
              "makes them to a client's own address and ports from 1024 "
              "only." },
    { .key = "data_binding",
      .type = SETTING_BINDING,
      .offset = FIELD(data_binding),
      .value = "user",
      .reload = true,
      .help = "What a data connection must resume: a TLS session of the same "
              "user from the same address, one of this very control "
              "connection, or none (\"address\": for clients that can't; it "
              "gives up that only the user's own programs move data). Per "
              "user: the key data_binding= of the users file." },
    { .key = "ticket_lifetime",
      .type = SETTING_DURATION,
      .offset = FIELD(ticket_lifetime),
      .value = "2h",
      .min = SECOND,
      .max = 24 * HOUR,
      .help = "How long a client can resume with a ticket of TLS 1.3; the key "
              "that seals them is exchanged as often." },
    { .key = "tls_min",
      .type = SETTING_TLS_VERSION,
      .offset = FIELD(tls.least),
      .value = "1.2",
      .reload = true,
      .help = "The oldest TLS that is spoken; with 1.3 clients that have only "
              "TLS 1.2 are refused." },
    { .key = "tls12_suites",
      .type = SETTING_SUITES_12,
      .offset = FIELD(tls.suites[TLS_12]),
      .value = "ECDHE-ECDSA-AES128-GCM-SHA256, ECDHE-RSA-AES128-GCM-SHA256, "
               "ECDHE-ECDSA-AES256-GCM-SHA384, ECDHE-RSA-AES256-GCM-SHA384, "
               "ECDHE-ECDSA-CHACHA20-POLY1305, ECDHE-RSA-CHACHA20-POLY1305",
      .reload = true,
      .help = "The cipher suites of TLS 1.2 by OpenSSL's names, the preferred "
              "first. The default has all that can be chosen from: no others "
              "have forward secrecy and authenticated encryption." },
    { .key = "tls13_suites",
      .type = SETTING_SUITES_13,
      .offset = FIELD(tls.suites[TLS_13]),
      .value = "TLS_AES_128_GCM_SHA256, TLS_AES_256_GCM_SHA384, "
               "TLS_CHACHA20_POLY1305_SHA256",
      .reload = true,
      .help = "The same for TLS 1.3." },
    { .key = "max_sessions",
      .type = SETTING_NUMBER,
      .offset = FIELD(max_sessions),
      .value = "500",
      .min = 1,
      .max = 20000,
      .help = "Most connections at once." },
    { .key = "max_per_address",
      .type = SETTING_NUMBER,
      .offset = FIELD(max_per_address),
      .value = "64",
      .min = 1,
      .max = 20000,
      .reload = true,
      .help = "Most connections at once from one address (IPv6: one /64)." },
    { .key = "max_per_user",
      .type = SETTING_NUMBER,
      .offset = FIELD(max_per_user),
      .value = "64",
      .min = 1,
      .max = 20000,
      .reload = true,
      .help = "Most sessions at once of one user." },
    { .key = "startups",
      .type = SETTING_NUMBER,
      .offset = FIELD(startups),
      .value = "100",
      .min = 1,
      .max = 20000,
      .reload = true,
      .help = "Most sessions at once that haven't logged in. More "
              "connections wait for their greeting, at most login_timeout: "
              "the address (IPv6: one /64) with the fewest of these sessions "
              "is served first, and after half a second it gets the place of "
              "one of the address with the most." },
    { .key = "max_fruitless",
      .type = SETTING_NUMBER,
      .offset = FIELD(max_fruitless),
      .value = "120",
      .min = 1,
      .max = 1000000,
      .reload = true,
      .help = "Most connections of one address (IPv6: one /64) in a minute "
              "that end without a login, a quarter of them at once; beyond "
              "that it has to wait." },
    { .key = "crash_ban",
      .type = SETTING_DURATION,
      .offset = FIELD(crash_ban),
      .value = "600s",
      .min = 0,
      .max = 24 * HOUR,
      .reload = true,
      .help = "Time for which an address (IPv6: one /64) is kept out whose "
              "session crashed, as one would that somebody tries to break "
              "into; 0: none is. A session of a proxy listener never "
              "causes that." },
    { .key = "no_ban",
      .type = SETTING_NETWORKS,
      .offset = FIELD(no_ban),
      .value = "",
      .reload = true,
      .help = "Addresses and networks for which max_fruitless and "
              "crash_ban don't hold, nor guess_delay for what came from the "
              "address, such as that of a scanner, at most 32." },
    { .key = "login_timeout",
      .type = SETTING_DURATION,
      .offset = FIELD(login_timeout),
      .value = "60s",
      .min = 100,
      .max = HOUR,
      .reload = true,
      .help = "Time from connecting to having logged in." },
    { .key = "idle_timeout",
      .type = SETTING_DURATION,
      .offset = FIELD(idle_timeout),
      .value = "300s",
      .min = 100,
      .max = 24 * HOUR,
      .reload = true,
      .help = "Time without a command before a session is ended; it stands "
              "still while data flows." },
    { .key = "connect_timeout",
      .type = SETTING_DURATION,
      .offset = FIELD(connect_timeout),
      .value = "30s",
      .min = 100,
      .max = HOUR,
      .reload = true,
      .help = "Time for a data connection to come and to finish its TLS "
              "handshake." },
    { .key = "stall_timeout",
      .type = SETTING_DURATION,
      .offset = FIELD(stall_timeout),
      .value = "120s",
      .min = 100,
      .max = HOUR,
      .reload = true,
      .help = "Time without a byte on a data connection before the transfer "
              "is cut; less than a byte a second counts as none." },
    { .key = "hash_timeout",
      .type = SETTING_DURATION,
      .offset = FIELD(hash_timeout),
      .value = "600s",
      .min = 100,
      .max = 24 * HOUR,
      .reload = true,
      .help = "Time that one checksum (HASH, XSHA256, XSHA512, XCRC) may "
              "take." },
    { .key = "login_delay",
      .type = SETTING_DURATION,
      .offset = FIELD(login_delay),
      .value = "1s",
      .min = 0,
      .max = 60 * SECOND,
      .reload = true,
      .help = "A wrong password is answered this long after it came, or at "
              "a multiple of it." },
    { .key = "guess_delay",
      .type = SETTING_DURATION,
      .offset = FIELD(guess_delay),
      .value = "10s",
      .min = 0,
      .max = 10 * SECOND,
      .reload = true,
      .help = "Longest pause before the answer to a login, right or wrong, "
              "whose name or address had many failed ones lately, and never "
              "more than a quarter of login_timeout; none where this user "
              "logged in lately. 0: no such pause." },
    { .key = "login_tries",
      .type = SETTING_NUMBER,
      .offset = FIELD(login_tries),
      .value = "3",
      .min = 1,
      .max = 100,
      .reload = true,
      .help = "Wrong passwords before a connection is closed." },
    { .key = "max_file_size",
      .type = SETTING_NUMBER,
      .offset = FIELD(max_file_size),
      .value = "0",
      .min = 0,
      .max = INT64_MAX,
      .reload = true,
      .help = "Most bytes of an uploaded file; 0: no limit." },
    { .key = "copy_max",
      .type = SETTING_NUMBER,
      .offset = FIELD(copy_max),
      .value = "1G",
      .min = 0,
      .max = INT64_MAX,
      .reload = true,
      .help = "REST and APPE onto a finished file copy what it holds. Most "
              "bytes of such a copy; 553 beyond it, since few clients wait "
              "longer than 20 seconds for the 226; 0: no limit. It doesn't "
              "count where the file system shares blocks (XFS, btrfs), and "
              "holes don't count." },
    { .key = "ascii",
      .type = SETTING_YES_NO,
      .offset = FIELD(ascii),
      .value = "no",
      .reload = true,
      .help = "Have TYPE A, with which every session begins, mean what it "
              "says: lines end with LF in files and with CRLF on the way. "
              "With \"no\" bytes go as they are in every type." },
    { .key = "ktls",
      .type = SETTING_YES_NO,
      .offset = FIELD(ktls),
      .value = "no",
      .reload = true,
      .help = "With \"yes\", the kernel encrypts downloads, if its module "
              "\"tls\" is loaded: \"modprobe tls\" loads it now, and a line "
              "\"tls\" in /etc/modules-load.d/sallyport.conf at each boot. "
              "Otherwise the server encrypts. The default keeps that part of "
              "the kernel away from clients." },
    { .key = "mode_z",
      .type = SETTING_YES_NO,
      .offset = FIELD(mode_z),
      .value = "no",
      .reload = true,
      .help = "Compressed transfers (MODE Z), for clients that ask for them, "
              "as lftp does whenever it can: they spare the line and cost "
              "the server many times the work." },
    { .key = "mode_z_level",
      .type = SETTING_NUMBER,
      .offset = FIELD(mode_z_level),
      .value = "6",
      .min = 1,
      .max = 9,
      .reload = true,
      .help = "How hard MODE Z tries, from 1 (fast) to 9 (small), unless "
              "the client says (OPTS MODE Z LEVEL)." },
    { .key = "partial_days",
      .type = SETTING_NUMBER,
      .offset = FIELD(partial_days),
      .value = "7",
      .min = 1,
      .max = 3650,
      .reload = true,
      .help = "Days that an interrupted upload is kept for being resumed." },
    { .key = "resume",
      .type = SETTING_YES_NO,
      .offset = FIELD(resume),
      .value = "yes",
      .reload = true,
      .help =
          "Keep interrupted uploads, so that they can be resumed. Only what "
          "is on the disk for certain counts. That is recorded in an "
          "extended attribute of the partial; where the file system has "
          "none (vfat, NFS before 4.2) nothing can be resumed." },
    { .key = "on_conflict",
      .type = SETTING_CONFLICT,
      .offset = FIELD(on_conflict),
      .value = "overwrite",
      .reload = true,
      .help = "When the name of an upload is taken: the old file goes; the "
              "new one gets another name; the old one gets another "
              "(NAME.~1~); or the upload is refused. Per user: the key "
              "on_conflict= of the users file." },
    { .key = "conflict_name",
      .type = SETTING_CONFLICT_NAME,
      .offset = FIELD(conflict_name),
      .value = "number",
      .reload = true,
      .help = "The other name that \"on_conflict = rename\" gives: "
              "\"NAME (2).ext\" or \"new-NAME.ext\"." },
    { .key = "upload_eof",
      .type = SETTING_UPLOAD_EOF,
      .offset = FIELD(upload_eof),
      .value = "strict",
      .reload = true,
      .help = "How an upload must end: with TLS close_notify; or also with a "
              "bare FIN behind just as many bytes as ALLO announced (size); "
              "or with any bare FIN, and then nobody can tell a file that "
              "was cut on its way from a whole one (lenient). A FIN in front "
              "of the first byte is a cut in each: an empty file needs "
              "close_notify. Per user: the key upload_eof= of the users "
              "file." },
    { .key = "fsync",
      .type = SETTING_YES_NO,
      .offset = FIELD(fsync),
      .value = "yes",
      .reload = true,
      .help = "Have an upload on the disk before it is called complete; "
              "\"no\" gives up that promise, and that an upload can be resumed "
              "rightly after a power cut." },
    { .key = "sha256",
      .type = SETTING_YES_NO,
      .offset = FIELD(sha256),
      .value = "no",
      .reload = true,
      .help = "Put the SHA-256 of each stored file into its transfer event; "
              "costs a processor about as much as receiving it does. An "
              "upload that goes on with bytes which its user has no right to "
              "read has none." },
    { .key = "allow_weaker",
      .type = SETTING_WEAKER,
      .offset = FIELD(allow_weaker),
      .value = "",
      .help = "Parts of the cages whose failure is no error, for a system "
              "that hasn't them: ids, chroot, seccomp, landlock." },
    { .key = "uid.gate",
      .type = SETTING_NAME,
      .offset = FIELD(uid_gate),
      .value = "_sallyport-gate",
      .help = "Account (a name or a number) of the processes gate and "
              "session." },
    { .key = "uid.auth",
      .type = SETTING_NAME,
      .offset = FIELD(uid_auth),
      .value = "_sallyport-auth",
      .help = "Account of the process auth." },
    { .key = "uid.keys",
      .type = SETTING_NAME,
      .offset = FIELD(uid_keys),
      .value = "_sallyport-keys",
      .help = "Account of the process keys, which holds the private keys." },
    { .key = "uid.log",
      .type = SETTING_NAME,
      .offset = FIELD(uid_log),
      .value = "_sallyport-log",
      .help = "Account of the process log." },
    { .key = "uid.names",
      .type = SETTING_NAME,
      .offset = FIELD(uid_names),
      .value = "_sallyport-names",
      .help = "Account of the process names, which there is only where a "
              "host name is to be looked up." },
    { .key = "uid_first",
      .type = SETTING_NUMBER,
      .offset = FIELD(uid_first),
      .value = "70000",
      .min = 1000,
      .max = UINT32_MAX - 1,
      .reload = true,
      .help = "First uid of users; nobody with a lower one can log in." },
    { .key = "uid_last",
      .type = SETTING_NUMBER,
      .offset = FIELD(uid_last),
      .value = "79999",
      .min = 1000,
      .max = UINT32_MAX - 1,
      .reload = true,
      .help = "Last uid of users; nobody with a higher one can log in." },
};
const size_t setting_count = sizeof(setting_table) / sizeof(setting_table[0]);

_Static_assert(sizeof(setting_table) / sizeof(setting_table[0]) <=
                   SETTING_ROWS_MAX,
               "a row for each key while parsing");

const struct setting *setting_find(struct slice key)
{
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];
        struct slice text = slice_from(row->key);

        if (row->keyed ? slice_starts(key, text) : slice_equal(key, text))
            return row;
    }
    return NULL;
}
