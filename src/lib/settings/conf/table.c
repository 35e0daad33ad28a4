/* The table of settings, the only place with their keys. The parser, --check,
 * the example file and the manual page follow from these rows. Runs in each
 * process that reads the configuration, and doesn't depend on the process. */
#include "sallyport/conf/conf.h"

#include <stddef.h>

#include "kinds.h"
#include "sallyport/domain/choices.h"
#include "sallyport/domain/rights.h"

#define FIELD(name) offsetof(struct settings, name)
/* A setting. ROW: the field has the name of the key; ROW_OF: the field has
 * another name. */
#define ROW(name, type, text) ROW_OF(#name, type, name, text)
#define ROW_OF(word, type, name, text)                                         \
    .key = (word), .kind = &kind_##type, .offset = FIELD(name), .value = (text)
#define BOUNDS(least, most) .min = (least), .max = (most)
#define SECOND              UINT64_C(1000)
#define HOUR                (UINT64_C(3600) * SECOND)

const struct setting setting_table[] = {
    { ROW(listen, listen, "0.0.0.0:21, [::]:21"),
      .help = "Addresses and ports on which the server listens, at most 16. "
              "Port 0: the kernel chooses a port. With the word tls after an "
              "address, such as 0.0.0.0:990 tls, TLS begins at the first "
              "byte (implicit TLS); without it, after AUTH TLS. With the "
              "word proxy only proxies may connect, such as HAProxy with "
              "send-proxy-v2: each connection begins with a PROXY header, "
              "version 1 or 2, with the client's address. Both words can be "
              "combined." },
    { ROW(proxies, networks, ""),
      .help = "Addresses and networks of the proxies that may connect to "
              "listeners with the word proxy, at most 32. The server trusts "
              "their headers, and closes other connections to such a "
              "listener." },
    { ROW(certificate, path, "/etc/sallyport/tls/certificate.pem"),
      .help = "The file with the server's certificate and its chain, in PEM "
              "form." },
    { ROW(key, path, "/etc/sallyport/tls/key.pem"),
      .help = "The file with the certificate's private key, in PEM form. "
              "Other users must not be able to read it." },
    { ROW_OF("certificate.", labelled, certificates, ""), .keyed = "LABEL",
      .help = "A further certificate, with its key in key.LABEL, at most 15: "
              "with another kind of key (RSA beside ECDSA) or for other "
              "names. A client gets the certificate for the server name that "
              "it sends (SNI), otherwise the first one." },
    { ROW_OF("key.", labelled, keys, ""), .keyed = "LABEL",
      .help = "The private key of certificate.LABEL." },
    { ROW(client_certificates, clients, "off"),
      .help = "Whether the server asks clients for a certificate of "
              "client_ca. off: it doesn't ask. request: it asks, and also "
              "accepts clients without a certificate. require: it accepts "
              "only clients with a certificate. An invalid certificate ends "
              "the connection. The users file says which user needs which "
              "certificate: certificate=, login=." },
    { ROW(client_ca, optional_path, ""),
      .help = "The file with the CAs that issue the clients' certificates, "
              "in PEM form. It may also contain single certificates of "
              "clients. A self-signed one must have the extension "
              "basicConstraints with CA:FALSE: otherwise it is a CA." },
    { ROW(client_crl, optional_path, ""),
      .help = "The file with revocation lists (CRL) of these CAs, in PEM "
              "form. If it is set, each CA needs a list. When a CA's list "
              "has expired, no client can log in with a certificate of that "
              "CA. Empty: no certificate is revoked." },
    { ROW(users, path, "/etc/sallyport/users"),
      .help = "The users file, see sallyport-users(5). Other users must not "
              "be able to read it." },
    { ROW(homes, path, "/srv/sallyport"),
      .help = "The directory in which \"sallyportctl user add\" makes homes. "
              "Without root every home must be in it." },
    { ROW(shares, path, "/srv/sallyport/shares"),
      .help = "The directory for shares, the directories that several users "
              "have in common. Without root every share must be in it." },
    { ROW(empty, path, "/run/sallyport/empty"),
      .help = "The empty directory that becomes the root directory of "
              "processes that need no files. The server makes it if it is "
              "missing." },
    { ROW(state, path, "/var/lib/sallyport"),
      .help = "The directory for data that must survive a restart: the key "
              "with which the server finds unfinished uploads again, and the "
              "bans. The server makes the directory if it is missing." },
    { ROW(partials_key, optional_path, ""),
      .help = "The file with the key by which the server finds unfinished "
              "uploads again. Empty: it is in state. For several machines "
              "with the same homes (see docs/admin/cluster.md in "
              "/usr/share/doc/sallyport): a file on the disk that they "
              "share, so that each finds what another one has begun. The "
              "first server that starts makes this file. It takes its key "
              "from state, or makes a new one. The directory of the file "
              "must be root's and writable by nobody else." },
    { ROW(log_format, log_format, "text"),
      .help = "The form of the log. text: a line of name=value on standard "
              "error for each event. json: a JSON object a line, also there. "
              "See docs/admin/monitoring.md in /usr/share/doc/sallyport." },
    { ROW(control_group, group, ""),
      .help = "A system group. If root runs the server, its members, too, "
              "may use status, who, metrics and ban list. They see the "
              "names, addresses and file names of all sessions. Everything "
              "that changes something stays root's. Empty: no group." },
    { ROW(ports, ports, "30000-30999"), BOUNDS(1024, 65535),
      .help = "Ports of data connections. A firewall must permit them. Each "
              "session uses one of them, from EPSV or PASV until 10 s after "
              "its last data connection has come: if none is free, they get "
              "425. Use ports below net.ipv4.ip_local_port_range, so that no "
              "outgoing connection takes one. auto: any port that the kernel "
              "chooses. With the word proxy after the ports, data "
              "connections of a proxy's clients come through the proxy too, "
              "with a PROXY header." },
    { ROW(address, address, ""),
      .help = "The IPv4 address that PASV announces to clients, for a server "
              "behind NAT. Empty: the address that the client connected to." },
    { ROW_OF("address.", announced, announced, ""), .keyed = "NETWORK",
      .help = "The same for clients of one network, such as "
              "address.10.0.0.0/8, at most 32 lines. The smallest network "
              "that contains the client decides." },
    { ROW(data_binding, binding, "user"),
      .help = "Which TLS session a data connection must resume. user: one of "
              "the same user from the same address. session: one of this "
              "control connection. address: none; the server compares only "
              "the address. Use this only for clients that can't resume: "
              "another program at the client's address can take over their "
              "data connections. Per user: data_binding= in the users file." },
    { ROW(ticket_lifetime, duration, "2h"), BOUNDS(SECOND, 24 * HOUR),
      .help = "How long a client can resume a TLS 1.3 session with a ticket. "
              "After the same time the server replaces the key that seals "
              "tickets." },
    { ROW_OF("tls_min", tls_version, tls.least, "1.2"),
      .help = "The lowest TLS version. With 1.3 the server refuses clients "
              "that have only TLS 1.2." },
    { ROW_OF("tls_suites", suites, tls.suites, "all"),
      .help = "The cipher suites: all (AES-128, AES-256 and ChaCha20), or "
              "aes256, only those with AES-256. All have forward secrecy and "
              "authenticated encryption." },
    { ROW(max_sessions, number, "500"), BOUNDS(1, 20000),
      .help = "Maximum number of connections at a time." },
    { ROW(max_per_address, number, "64"), BOUNDS(1, 20000),
      .help = "Maximum number of connections at a time from one address "
              "(IPv6: one /64)." },
    { ROW(max_per_user, number, "64"), BOUNDS(1, 20000),
      .help = "Maximum number of sessions of one user at a time. Per user "
              "and team: max_sessions= in the users file." },
    { ROW(startups, number, "100"), BOUNDS(1, 20000),
      .help = "Maximum number of sessions at a time that haven't logged in. "
              "Further connections wait for the greeting, at most "
              "login_timeout. The network (an IPv4 address, an IPv6 /48) with "
              "the fewest such sessions is served first. A connection that "
              "has waited for half a second gets the place of the oldest such "
              "session of the network with the most: if that network has at "
              "least two more, or if the session has waited for a quarter of "
              "login_timeout. In a /48 the /56 count so, and in a /56 the /64. "
              "The same holds when max_sessions is reached." },
    { ROW(max_fruitless, number, "120"), BOUNDS(1, 1000000),
      .help = "Maximum rate of connections from one address (IPv6: one /64) "
              "that end without a login: this many per minute, and a quarter "
              "of them at once; from a /56 twice, from a /48 four times as "
              "many. Above this rate the server refuses connections from "
              "there." },
    { ROW(crash_ban, duration, "600s"), BOUNDS(0, 24 * HOUR),
      .help = "How long the server refuses an address (IPv6: one /64) after "
              "one of its sessions has crashed: somebody may be trying to "
              "break in. 0: no ban. A session of a proxy listener never "
              "causes a ban." },
    { ROW(ban_after, number, "100"), BOUNDS(0, 1000000),
      .help = "So many wrong passwords from one address (IPv6: one /64) "
              "within an hour ban it for ban_time. An address from which a "
              "user has logged in in the last 7 days, and since the last "
              "restart, isn't banned, since many users may share it; "
              "guess_delay still slows it. 0: no ban." },
    { ROW(ban_time, duration, "1h"), BOUNDS(SECOND, 720 * HOUR),
      .help = "How long the server refuses an address after ban_after wrong "
              "passwords; \"sallyportctl ban del\" ends a ban." },
    { ROW(no_ban, networks, ""),
      .help = "Addresses and networks, at most 32, such as a scanner's "
              "address. They are never banned, max_fruitless doesn't apply to "
              "them, and guess_delay doesn't count their failed logins by "
              "address." },
    { ROW(login_timeout, duration, "60s"), BOUNDS(100, HOUR),
      .help = "Maximum time from the connection to the login." },
    { ROW(drain_timeout, duration, "24h"), BOUNDS(100, 168 * HOUR),
      .help = "After a reload existing sessions continue in their old "
              "processes, with the old settings. After this time the server "
              "ends the remaining sessions." },
    { ROW(idle_timeout, duration, "300s"), BOUNDS(100, 24 * HOUR),
      .help = "Time without a command after which the server ends a session. "
              "It doesn't run during a transfer." },
    { ROW(connect_timeout, duration, "30s"), BOUNDS(100, HOUR),
      .help = "Maximum time for a data connection to arrive and to finish "
              "its TLS handshake." },
    { ROW(stall_timeout, duration, "120s"), BOUNDS(100, HOUR),
      .help = "Time without a byte on a data connection after which the "
              "server cuts the transfer. Less than one byte per second "
              "counts as no byte." },
    { ROW(hash_timeout, duration, "600s"), BOUNDS(100, 24 * HOUR),
      .help = "Maximum time for one checksum (HASH, XSHA256, XSHA512, XCRC)." },
    { ROW(login_delay, duration, "1s"), BOUNDS(0, 60 * SECOND),
      .help = "The reply to a wrong password comes this long after the "
              "password, or after a multiple of this time." },
    { ROW(guess_delay, duration, "10s"), BOUNDS(0, 10 * SECOND),
      .help = "Longest pause before the reply to a login, right or wrong, if "
              "many logins with this name or from this address have failed "
              "recently. It is at most a quarter of login_timeout. A user "
              "who has logged in from this address recently doesn't wait. 0: "
              "no pause." },
    { ROW(login_tries, number, "3"), BOUNDS(1, 100),
      .help = "Number of wrong passwords after which the server closes the "
              "connection." },
    { ROW(totp_time, duration, "12h"), BOUNDS(0, 30 * 24 * HOUR),
      .help = "A user with a second factor (sallyportctl user totp) needs no "
              "new code from the same address for this time, until a "
              "restart. 0: each login needs one." },
    { ROW(password_change, yes_no, "no"),
      .help = "Whether all users may change their passwords (SITE PSWD). no: "
              "those with must_change= (sallyportctl user add "
              "--must-change), who must do it first. For \"no\" and \"yes\" "
              "the server must be able to write to the directory of the users "
              "file. The systemd unit permits that for /etc/sallyport; for "
              "another directory sallyportd --check tells what systemd "
              "needs." },
    { ROW(hash_cost, number, "5"), BOUNDS(5, 8),
      .help = "Cost of new password hashes (yescrypt). 5 takes 16 MiB and "
              "about 50 ms of a processor for each login; each step doubles "
              "both. Older hashes stay valid and unchanged: sallyportctl user "
              "list marks the weaker ones." },
    { ROW(max_file_size, number, "0"), BOUNDS(0, INT64_MAX),
      .help = "Maximum size of an uploaded file, in bytes. 0: no limit. Per "
              "user and team: max_file_size= in the users file." },
    { ROW(bandwidth_up, number, "0"), BOUNDS(0, BANDWIDTH_MAX),
      .help = "Maximum bytes per second of the uploads of each session, such "
              "as 10M. 0: no limit. Per user and team: bandwidth_up= in the "
              "users file." },
    { ROW(bandwidth_down, number, "0"), BOUNDS(0, BANDWIDTH_MAX),
      .help = "The same for downloads. Listings don't count. Per user and "
              "team: bandwidth_down= in the users file." },
    { ROW(copy_max, number, "1G"), BOUNDS(0, INT64_MAX),
      .help = "Maximum number of bytes that REST and APPE onto a finished "
              "file may copy. For a larger file the reply is 553, since few "
              "clients wait longer than 20 seconds for the 226. 0: no limit. "
              "The limit doesn't apply where the file system shares blocks "
              "(XFS, btrfs), and holes don't count." },
    { ROW(min_free, min_free, "0"),
      .help = "How much of a disk uploads leave free: bytes, or with % a "
              "part of the disk. The server looks at the beginning and at "
              "the end of an upload, and after each 32 MiB; with less free "
              "the reply is 452, and nothing of the upload stays." },
    { ROW(ascii, yes_no, "no"),
      .help = "Whether TYPE A, the type at the start of each session, "
              "converts line ends. yes: LF in files, CRLF on the network. "
              "no: bytes are never changed." },
    { ROW(mode_z, yes_no, "no"),
      .help = "Offer compressed transfers (MODE Z). Some clients, such as "
              "lftp, use them whenever they can. They save bandwidth and "
              "cost the server many times the work. The level is 6, unless "
              "the client chooses another (OPTS MODE Z LEVEL)." },
    { ROW(partial_days, number, "7"), BOUNDS(1, 3650),
      .help = "Number of days for which an interrupted upload is kept, so "
              "that the client can resume it. Then the daily \"sallyportctl "
              "retention run\" removes it." },
    { ROW(file_mode, mode, "0600"), BOUNDS(FILE_MODE_NEEDED, FILE_MODE_MOST),
      .help = "Mode of new files in a home. 0640: the home's group may read "
              "them, too. Per user and per share: file_mode= in the users "
              "file." },
    { ROW(dir_mode, mode, "0700"), BOUNDS(DIR_MODE_NEEDED, DIR_MODE_MOST),
      .help = "Mode of new directories in a home. 0750: the home's group may "
              "enter them, too. Per user: dir_mode= in the users file." },
    { ROW(resume, yes_no, "yes"),
      .help = "Keep interrupted uploads, so that clients can resume them. "
              "The server keeps only bytes that are known to be on the disk. "
              "An extended attribute of the unfinished file records their "
              "number; on a file system without attributes (vfat, NFS before "
              "4.2) nothing can be resumed." },
    { ROW(on_conflict, conflict, "overwrite"),
      .help = "What happens if the name of an upload is taken. overwrite: "
              "the new file replaces the old one. rename: the new file gets "
              "another name, \"NAME (2).ext\". reject: the upload is refused. "
              "Per user: on_conflict= in the users file." },
    { ROW(upload_eof, upload_eof, "strict"),
      .help = "How a client must end an upload. strict: with TLS "
              "close_notify. size: also with a bare FIN after as many bytes "
              "as ALLO announced. lenient: with any bare FIN, and the client "
              "may close its control connection without waiting for the "
              "reply; then the server can't distinguish a cut upload from a "
              "complete one. announced: with close_notify, after at least as "
              "many bytes as ALLO announced (with those of the file, if it "
              "continues one that isn't longer); without ALLO, in TYPE A and "
              "in MODE Z there is no upload. Only lenient accepts an empty "
              "file without close_notify. In TYPE A and in MODE Z each upload "
              "needs close_notify. Per user: upload_eof= in the users file." },
    { ROW(fsync, yes_no, "yes"),
      .help = "Write an upload to the disk before the 226. With \"no\" a "
              "power cut can lose files that were reported as stored, and "
              "resumed uploads can be wrong after it." },
    { ROW(sha256, yes_no, "no"),
      .help = "Put the SHA-256 of each stored file into its transfer event. "
              "It costs about as much processor time as receiving the file. "
              "An upload that continues an interrupted upload or an existing "
              "file gets none, since the server doesn't read the old bytes "
              "again." },
    { ROW(allow_weaker, weaker, ""),
      .help = "Parts of the sandboxes that processes may run without, on a "
              "system that lacks them: ids, chroot, seccomp, landlock." },
    { ROW(accounts, number, "0"), BOUNDS(0, UINT32_MAX - SETTINGS_ACCOUNTS),
      .help = "0: the processes have the accounts _sallyport-gate (also the "
              "sessions), _sallyport-auth, _sallyport-log and "
              "_sallyport-keys, which systemd-sysusers makes. Another "
              "number, for a trial without accounts: gate has this uid and "
              "gid, and auth, log and keys have the next three." },
    { ROW(uid_first, number, "70000"), BOUNDS(1000, UINT32_MAX - 1),
      .help = "First uid of users. A user with a lower uid can't log in." },
    { ROW(uid_last, number, "79999"), BOUNDS(1000, UINT32_MAX - 1),
      .help = "Last uid of users. A user with a higher uid can't log in." },
    { ROW(gid_first, number, "80000"), BOUNDS(1000, UINT32_MAX - 1),
      .help = "First gid that \"sallyportctl share add\" gives out. A share "
              "may also have the gid of a local group." },
    { ROW(gid_last, number, "89999"), BOUNDS(1000, UINT32_MAX - 1),
      .help = "Last gid that \"sallyportctl share add\" gives out." },
};
const size_t setting_count = sizeof(setting_table) / sizeof(setting_table[0]);

_Static_assert(sizeof(setting_table) / sizeof(setting_table[0]) <=
                   SETTING_ROWS_MAX,
               "a row for each key while parsing");

const struct setting *table_find(struct slice key)
{
    for (size_t i = 0; i < setting_count; i++) {
        const struct setting *row = &setting_table[i];
        struct slice text = slice_from(row->key);

        if (row->keyed ? slice_starts(key, text) : slice_equal(key, text))
            return row;
    }
    return NULL;
}

/* Settings of older releases that this version doesn't have. */
#define BY_SESSIONS "max_sessions and max_per_user limit transfers; "
static const struct {
    const char *key, *instead; /* KEY: with " = VALUE" only that value is
                                  refused; INSTEAD: what to write, or "" */
} retired[] = {
    { "active", "clients use passive mode (EPSV or PASV); " },
    { "conflict_name", "the other name is always \"NAME (2).ext\"; " },
    { "max_transfers", BY_SESSIONS },
    { "on_conflict = version",
      "on_conflict = rename keeps both files, too; write this, or " },
    { "user_bandwidth_down", "bandwidth_down is the limit of each session now; "
                             "give it this value, or " },
    { "user_bandwidth_up", "bandwidth_up is the limit of each session now; "
                           "give it this value, or " },
    { "user_max_transfers", BY_SESSIONS },
};

const char *table_retired(struct slice *key, struct slice value)
{
    for (size_t i = 0; i < sizeof(retired) / sizeof(retired[0]); i++) {
        struct slice only = slice_from(retired[i].key), own;

        slice_cut(&only, ' ', &own);
        if (!slice_equal(*key, own))
            continue;
        if (!only.ptr)
            return retired[i].instead;
        if (slice_equal(value, (struct slice){ only.ptr + 2, only.len - 2 })) {
            *key = slice_from(retired[i].key);
            return retired[i].instead;
        }
    }
    return NULL;
}

const char *table_nearest(struct slice key)
{
    const char *keys[sizeof(setting_table) / sizeof(setting_table[0])];

    for (size_t i = 0; i < setting_count; i++)
        keys[i] = setting_table[i].key;
    return slice_nearest(key, keys, setting_count);
}
