/* The table of settings, the only place with their keys. The parser, --check,
 * the example file and the manual page come from these rows.
 * Runs in every process that reads the configuration, and doesn't depend on the
 * process. */
#include "sallyport/conf/conf.h"

#include <stddef.h>

#include "kinds.h"
#include "sallyport/domain/choices.h"
#include "sallyport/domain/rights.h"

#define FIELD(name) offsetof(struct settings, name)
#define SECOND      UINT64_C(1000)
#define HOUR        (UINT64_C(3600) * SECOND)

const struct setting setting_table[] = {
    { .key = "listen",
      .type = SETTING_LISTEN,
      .offset = FIELD(listen),
      .value = "0.0.0.0:21, [::]:21",
      .help = "Addresses and ports on which the server listens, at most 16. "
              "Port 0: the kernel chooses a port. With the word tls after an "
              "address, such as 0.0.0.0:990 tls, TLS begins at the first byte "
              "(implicit TLS); without it, after AUTH TLS. With the word proxy "
              "only proxies may connect, such as HAProxy with send-proxy-v2: "
              "each connection begins with a PROXY header, version 1 or 2, "
              "with the client's address. Both words can be combined." },
    { .key = "proxies",
      .type = SETTING_NETWORKS,
      .offset = FIELD(proxies),
      .value = "",
      .help =
          "Addresses and networks of the proxies that may connect to "
          "listeners with the word proxy, at most 32. The server trusts "
          "their headers, and closes other connections to such a listener." },
    { .key = "certificate",
      .type = SETTING_PATH,
      .offset = FIELD(certificate),
      .value = "/etc/sallyport/tls/certificate.pem",
      .help = "The file with the server's certificate and its chain, in PEM "
              "form." },
    { .key = "key",
      .type = SETTING_PATH,
      .offset = FIELD(key),
      .value = "/etc/sallyport/tls/key.pem",
      .help = "The file with the certificate's private key, in PEM form. Other "
              "users must not be able to read it." },
    { .key = "certificate.",
      .keyed = "LABEL",
      .type = SETTING_LABELLED,
      .offset = FIELD(certificates),
      .value = "",
      .help = "A further certificate, with its key in key.LABEL, at most 15: "
              "with another kind of key (RSA beside ECDSA) or for other names. "
              "A client gets the certificate for the server name that it sends "
              "(SNI), otherwise the first one." },
    { .key = "key.",
      .keyed = "LABEL",
      .type = SETTING_LABELLED,
      .offset = FIELD(keys),
      .value = "",
      .help = "The private key of certificate.LABEL." },
    { .key = "client_certificates",
      .type = SETTING_CLIENTS,
      .offset = FIELD(client_certificates),
      .value = "off",
      .help = "Whether the server asks clients for a certificate of client_ca. "
              "off: it doesn't ask. request: it asks, and also accepts clients "
              "without a certificate. require: it accepts only clients with a "
              "certificate. An invalid certificate ends the connection. The "
              "users file says which user needs which certificate: "
              "certificate=, login=." },
    { .key = "client_ca",
      .type = SETTING_OPTIONAL_PATH,
      .offset = FIELD(client_ca),
      .value = "",
      .help = "The file with the CAs that issue the clients' certificates, in "
              "PEM form. It may also contain single certificates of clients." },
    { .key = "client_crl",
      .type = SETTING_OPTIONAL_PATH,
      .offset = FIELD(client_crl),
      .value = "",
      .help = "The file with revocation lists (CRL) of these CAs, in PEM form. "
              "If it is set, each CA needs a list. When a CA's list has "
              "expired, no client can log in with a certificate of that CA. "
              "Empty: no certificate is revoked." },
    { .key = "users",
      .type = SETTING_PATH,
      .offset = FIELD(users),
      .value = "/etc/sallyport/users",
      .help = "The users file, see sallyport-users(5). Other users must not "
              "be able to read it." },
    { .key = "homes",
      .type = SETTING_PATH,
      .offset = FIELD(homes),
      .value = "/srv/sallyport",
      .help = "The directory in which \"sallyportctl user add\" makes homes. "
              "Without root every home must be in it." },
    { .key = "shares",
      .type = SETTING_PATH,
      .offset = FIELD(shares),
      .value = "/srv/sallyport/shares",
      .help = "The directory for shares, the directories that several users "
              "have in common. Without root every share must be in it." },
    { .key = "empty",
      .type = SETTING_PATH,
      .offset = FIELD(empty),
      .value = "/run/sallyport/empty",
      .help = "The empty directory that becomes the root directory of "
              "processes that need no files. The server makes it if it is "
              "missing." },
    { .key = "state",
      .type = SETTING_PATH,
      .offset = FIELD(state),
      .value = "/var/lib/sallyport",
      .help = "The directory for data that must survive a restart: the key "
              "with which the server finds unfinished uploads again, and the "
              "bans. The server makes the directory if it is missing." },
    { .key = "partials_key",
      .type = SETTING_OPTIONAL_PATH,
      .offset = FIELD(partials_key),
      .value = "",
      .help = "The file with the key by which the server finds unfinished "
              "uploads again. Empty: it is in state. For several machines with "
              "the same homes (see admin/cluster.md in "
              "/usr/share/doc/sallyport): a file on the disk that they share, "
              "so that each finds what another one has begun. The first "
              "server that starts makes it, of the key that it has in state if "
              "there is one. Its directory must be root's and writable by "
              "nobody else." },
    { .key = "log_format",
      .type = SETTING_LOG_FORMAT,
      .offset = FIELD(log_format),
      .value = "text",
      .help =
          "The form of the log. text: a line of name=value on standard "
          "error for each event. json: a JSON object a line, also there. See "
          "admin/monitoring.md in /usr/share/doc/sallyport." },
    { .key = "control_group",
      .type = SETTING_GROUP,
      .offset = FIELD(control_group),
      .value = "",
      .help = "A group of the system whose members may also ask the server of "
              "root: status, who and ban list. They see the names, "
              "addresses and file names of all sessions. Everything that "
              "changes something stays root's. Empty: no group." },
    { .key = "ports",
      .type = SETTING_PORTS,
      .offset = FIELD(ports),
      .value = "30000-30999",
      .min = 1024,
      .max = 65535,
      .help =
          "Ports of data connections. A firewall must permit them. Each "
          "session uses one of them, from EPSV or PASV until 10 s after its "
          "last data connection has come: if none is free, they get 425. Use "
          "ports below net.ipv4.ip_local_port_range, so that no outgoing "
          "connection takes "
          "one. auto: any port that the kernel chooses. With the word proxy "
          "after the ports, data connections of a "
          "proxy's clients come through the proxy too, with a PROXY header." },
    { .key = "address",
      .type = SETTING_ADDRESS,
      .offset = FIELD(address),
      .value = "",
      .help = "The address that PASV announces to clients, for a server "
              "behind NAT. Empty: the address that the client connected to." },
    { .key = "address.",
      .keyed = "NETWORK",
      .type = SETTING_ANNOUNCED,
      .offset = FIELD(announced),
      .value = "",
      .help = "The same for clients of one network, such as "
              "address.10.0.0.0/8, at most 32 lines. The smallest network "
              "that contains the client decides." },
    { .key = "active",
      .type = SETTING_YES_NO,
      .offset = FIELD(active),
      .value = "no",
      .help =
          "Offer active mode (PORT, EPRT). The process gate can then "
          "make connections; it connects only to the client's own "
          "address, to ports from 1024. Never for clients behind a proxy." },
    { .key = "data_binding",
      .type = SETTING_BINDING,
      .offset = FIELD(data_binding),
      .value = "user",
      .help = "Which TLS session a data connection must resume. user: one of "
              "the same user from the same address. session: one of this "
              "control connection. address: none; the server compares only the "
              "address. Use this only for clients that can't resume: another "
              "program at the client's address can take over their data "
              "connections. Per user: data_binding= in the users file." },
    { .key = "ticket_lifetime",
      .type = SETTING_DURATION,
      .offset = FIELD(ticket_lifetime),
      .value = "2h",
      .min = SECOND,
      .max = 24 * HOUR,
      .help = "How long a client can resume a TLS 1.3 session with a ticket. "
              "The server replaces the key that seals tickets after the same "
              "time." },
    { .key = "tls_min",
      .type = SETTING_TLS_VERSION,
      .offset = FIELD(tls.least),
      .value = "1.2",
      .help = "The lowest TLS version. With 1.3 the server refuses clients "
              "that have only TLS 1.2." },
    { .key = "tls_suites",
      .type = SETTING_SUITES,
      .offset = FIELD(tls.suites),
      .value = "all",
      .help = "The cipher suites: all (AES-128, AES-256 and ChaCha20), or "
              "aes256, only those with AES-256. All have forward secrecy and "
              "authenticated encryption." },
    { .key = "max_sessions",
      .type = SETTING_NUMBER,
      .offset = FIELD(max_sessions),
      .value = "500",
      .min = 1,
      .max = 20000,
      .help = "Maximum number of connections at a time." },
    { .key = "max_per_address",
      .type = SETTING_NUMBER,
      .offset = FIELD(max_per_address),
      .value = "64",
      .min = 1,
      .max = 20000,
      .help = "Maximum number of connections at a time from one address (IPv6: "
              "one /64)." },
    { .key = "max_per_user",
      .type = SETTING_NUMBER,
      .offset = FIELD(max_per_user),
      .value = "64",
      .min = 1,
      .max = 20000,
      .help = "Maximum number of sessions of one user at a time. Per user and "
              "team: max_sessions= in the users file." },
    { .key = "max_transfers",
      .type = SETTING_NUMBER,
      .offset = FIELD(max_transfers),
      .value = "0",
      .min = 0,
      .max = 20000,
      .help = "Maximum number of uploads and downloads at a time; a further "
              "one gets 450. 0: no limit." },
    { .key = "user_max_transfers",
      .type = SETTING_NUMBER,
      .offset = FIELD(user_max_transfers),
      .value = "0",
      .min = 0,
      .max = 20000,
      .help = "The same for one user. Per user and team: max_transfers= in the "
              "users file." },
    { .key = "startups",
      .type = SETTING_NUMBER,
      .offset = FIELD(startups),
      .value = "100",
      .min = 1,
      .max = 20000,
      .help = "Maximum number of sessions at a time that haven't logged in. "
              "Further connections wait for the greeting, at most "
              "login_timeout. The address (IPv6: one /64) with the fewest such "
              "sessions is served first. A connection that has waited for half "
              "a second gets the place of the oldest such session of the "
              "address with the most." },
    { .key = "max_fruitless",
      .type = SETTING_NUMBER,
      .offset = FIELD(max_fruitless),
      .value = "120",
      .min = 1,
      .max = 1000000,
      .help = "Maximum rate of connections from one address (IPv6: one /64) "
              "that end without a login: so many per minute, and a quarter of "
              "them at once. Above this rate the server refuses connections "
              "from the address." },
    { .key = "crash_ban",
      .type = SETTING_DURATION,
      .offset = FIELD(crash_ban),
      .value = "600s",
      .min = 0,
      .max = 24 * HOUR,
      .help = "How long the server refuses an address (IPv6: one /64) after "
              "one of its sessions has crashed: somebody may be trying to "
              "break in. 0: no ban. A session of a proxy listener never causes "
              "a ban." },
    { .key = "ban_after",
      .type = SETTING_NUMBER,
      .offset = FIELD(ban_after),
      .value = "100",
      .min = 0,
      .max = 1000000,
      .help = "So many wrong passwords from one address (IPv6: one /64) within "
              "an hour ban it for ban_time. An address from which a user has "
              "logged in in the last 7 days isn't banned, since many users may "
              "share it; guess_delay still slows it. 0: no ban." },
    { .key = "ban_time",
      .type = SETTING_DURATION,
      .offset = FIELD(ban_time),
      .value = "1h",
      .min = SECOND,
      .max = 720 * HOUR,
      .help = "How long the server refuses an address after ban_after wrong "
              "passwords. A ban survives a restart; \"sallyportctl ban del\" "
              "ends it." },
    { .key = "no_ban",
      .type = SETTING_NETWORKS,
      .offset = FIELD(no_ban),
      .value = "",
      .help = "Addresses and networks, such as that of a scanner, at most 32. "
              "They are never banned, max_fruitless doesn't apply to them, and "
              "guess_delay doesn't count their failed logins by address." },
    { .key = "login_timeout",
      .type = SETTING_DURATION,
      .offset = FIELD(login_timeout),
      .value = "60s",
      .min = 100,
      .max = HOUR,
      .help = "Maximum time from the connection to the login." },
    { .key = "drain_timeout",
      .type = SETTING_DURATION,
      .offset = FIELD(drain_timeout),
      .value = "24h",
      .min = 100,
      .max = 168 * HOUR,
      .help = "After a reload existing sessions continue in their old "
              "processes, with the old settings. After this time the server "
              "ends the remaining sessions." },
    { .key = "idle_timeout",
      .type = SETTING_DURATION,
      .offset = FIELD(idle_timeout),
      .value = "300s",
      .min = 100,
      .max = 24 * HOUR,
      .help = "Time without a command after which the server ends a session. "
              "It doesn't run during a transfer." },
    { .key = "connect_timeout",
      .type = SETTING_DURATION,
      .offset = FIELD(connect_timeout),
      .value = "30s",
      .min = 100,
      .max = HOUR,
      .help = "Maximum time for a data connection to arrive and to finish its "
              "TLS handshake." },
    { .key = "stall_timeout",
      .type = SETTING_DURATION,
      .offset = FIELD(stall_timeout),
      .value = "120s",
      .min = 100,
      .max = HOUR,
      .help = "Time without a byte on a data connection after which the server "
              "cuts the transfer. Less than one byte per second counts as no "
              "byte." },
    { .key = "hash_timeout",
      .type = SETTING_DURATION,
      .offset = FIELD(hash_timeout),
      .value = "600s",
      .min = 100,
      .max = 24 * HOUR,
      .help = "Maximum time for one checksum (HASH, XSHA256, XSHA512, XCRC)." },
    { .key = "login_delay",
      .type = SETTING_DURATION,
      .offset = FIELD(login_delay),
      .value = "1s",
      .min = 0,
      .max = 60 * SECOND,
      .help = "The reply to a wrong password comes this long after the "
              "password, or after a multiple of this time." },
    { .key = "guess_delay",
      .type = SETTING_DURATION,
      .offset = FIELD(guess_delay),
      .value = "10s",
      .min = 0,
      .max = 10 * SECOND,
      .help = "Longest pause before the reply to a login, right or wrong, if "
              "many logins with this name or from this address have failed "
              "recently. It is at most a quarter of login_timeout. A user who "
              "has logged in from this address recently doesn't wait. 0: no "
              "pause." },
    { .key = "login_tries",
      .type = SETTING_NUMBER,
      .offset = FIELD(login_tries),
      .value = "3",
      .min = 1,
      .max = 100,
      .help = "Number of wrong passwords after which the server closes the "
              "connection." },
    { .key = "totp_time",
      .type = SETTING_DURATION,
      .offset = FIELD(totp_time),
      .value = "12h",
      .min = 0,
      .max = 30 * 24 * HOUR,
      .help = "A user with a second factor (sallyportctl user totp) needs no "
              "new code from the same address for this time. 0: each login "
              "needs one." },
    { .key = "password_change",
      .type = SETTING_YES_NO,
      .offset = FIELD(password_change),
      .value = "no",
      .help = "Whether all users may change their passwords (SITE PSWD). no: "
              "those with must_change= (sallyportctl user add --must-change), "
              "who must do it first. For each of these the server "
              "must be able to write to the directory of the users file. The "
              "systemd unit permits it for /etc/sallyport; for another one "
              "sallyportd --check tells what systemd needs." },
    { .key = "hash_cost",
      .type = SETTING_NUMBER,
      .offset = FIELD(hash_cost),
      .value = "5",
      .min = 5,
      .max = 8,
      .help = "Cost of new password hashes (yescrypt). 5 takes 16 MiB and "
              "about 50 ms of a processor for each login; each step doubles "
              "both. Older hashes stay valid, and as they are: sallyportctl "
              "user list marks those that are weaker." },
    { .key = "max_file_size",
      .type = SETTING_NUMBER,
      .offset = FIELD(max_file_size),
      .value = "0",
      .min = 0,
      .max = INT64_MAX,
      .help = "Maximum size of an uploaded file, in bytes. 0: no limit. Per "
              "user and team: max_file_size= in the users file." },
    { .key = "bandwidth_up",
      .type = SETTING_NUMBER,
      .offset = FIELD(bandwidth_up),
      .value = "0",
      .min = 0,
      .max = BANDWIDTH_MAX,
      .help = "Maximum bytes per second of all uploads together, such as 10M; "
              "sessions share them fairly. Listings don't count. 0: no "
              "limit." },
    { .key = "bandwidth_down",
      .type = SETTING_NUMBER,
      .offset = FIELD(bandwidth_down),
      .value = "0",
      .min = 0,
      .max = BANDWIDTH_MAX,
      .help =
          "Maximum bytes per second of all downloads together, such as 10M; "
          "sessions share them fairly. Listings don't count. 0: no "
          "limit." },
    { .key = "user_bandwidth_up",
      .type = SETTING_NUMBER,
      .offset = FIELD(user_bandwidth_up),
      .value = "0",
      .min = 0,
      .max = BANDWIDTH_MAX,
      .help = "The same for the uploads of one user, in all sessions together. "
              "Per user and team: bandwidth_up= in the users file." },
    { .key = "user_bandwidth_down",
      .type = SETTING_NUMBER,
      .offset = FIELD(user_bandwidth_down),
      .value = "0",
      .min = 0,
      .max = BANDWIDTH_MAX,
      .help =
          "The same for the downloads of one user, in all sessions together. "
          "Per user and team: bandwidth_down= in the users file." },
    { .key = "copy_max",
      .type = SETTING_NUMBER,
      .offset = FIELD(copy_max),
      .value = "1G",
      .min = 0,
      .max = INT64_MAX,
      .help = "Maximum number of bytes that REST and APPE onto a finished file "
              "may copy. For a larger file the reply is 553, since few clients "
              "wait longer than 20 seconds for the 226. 0: no limit. The limit "
              "doesn't apply where the file system shares blocks (XFS, btrfs), "
              "and holes don't count." },
    { .key = "min_free",
      .type = SETTING_MIN_FREE,
      .offset = FIELD(min_free),
      .value = "0",
      .help = "How much of a disk uploads leave free: bytes, or with % a part "
              "of the disk. The server looks at the beginning and at the end "
              "of an upload, and after each 32 MiB; with less free the reply "
              "is 452, and nothing of the upload stays." },
    { .key = "ascii",
      .type = SETTING_YES_NO,
      .offset = FIELD(ascii),
      .value = "no",
      .help = "Whether TYPE A, the type at the start of each session, "
              "converts line ends. yes: LF in files, CRLF on the network. "
              "no: bytes are never changed." },
    { .key = "mode_z",
      .type = SETTING_YES_NO,
      .offset = FIELD(mode_z),
      .value = "no",
      .help = "Offer compressed transfers (MODE Z). Some clients, such as "
              "lftp, use them whenever they can. They save bandwidth and "
              "cost the server many times the work." },
    { .key = "mode_z_level",
      .type = SETTING_NUMBER,
      .offset = FIELD(mode_z_level),
      .value = "6",
      .min = 1,
      .max = 9,
      .help = "Compression of MODE Z, from 1 (fast) to 9 (small), unless the "
              "client chooses (OPTS MODE Z LEVEL)." },
    { .key = "partial_days",
      .type = SETTING_NUMBER,
      .offset = FIELD(partial_days),
      .value = "7",
      .min = 1,
      .max = 3650,
      .help = "Number of days for which an interrupted upload is kept, so that "
              "the client can resume it. Then the daily \"sallyportctl "
              "retention run\" removes it." },
    { .key = "file_mode",
      .type = SETTING_MODE,
      .offset = FIELD(file_mode),
      .value = "0600",
      .min = FILE_MODE_NEEDED,
      .max = FILE_MODE_MOST,
      .help = "Mode of new files in a home. 0640: the home's group may read "
              "them, too. Per user and per share: file_mode= in the users "
              "file." },
    { .key = "dir_mode",
      .type = SETTING_MODE,
      .offset = FIELD(dir_mode),
      .value = "0700",
      .min = DIR_MODE_NEEDED,
      .max = DIR_MODE_MOST,
      .help = "Mode of new directories in a home. 0750: the home's group may "
              "enter them, too. Per user: dir_mode= in the users file." },
    { .key = "resume",
      .type = SETTING_YES_NO,
      .offset = FIELD(resume),
      .value = "yes",
      .help = "Keep interrupted uploads, so that clients can resume them. The "
              "server keeps only bytes that are known to be on the disk. An "
              "extended attribute of the unfinished file records their number; "
              "on a file system without attributes (vfat, NFS before 4.2) "
              "nothing can be resumed." },
    { .key = "on_conflict",
      .type = SETTING_CONFLICT,
      .offset = FIELD(on_conflict),
      .value = "overwrite",
      .help = "What happens if the name of an upload is taken. overwrite: "
              "the new file replaces the old one. rename: the new file gets "
              "another name. version: the old file gets another name "
              "(NAME.~1~). reject: the upload is refused. Per user: "
              "on_conflict= in the users file." },
    { .key = "conflict_name",
      .type = SETTING_CONFLICT_NAME,
      .offset = FIELD(conflict_name),
      .value = "number",
      .help = "The other name that \"on_conflict = rename\" gives. number: "
              "\"NAME (2).ext\". new: \"new-NAME.ext\"." },
    { .key = "upload_eof",
      .type = SETTING_UPLOAD_EOF,
      .offset = FIELD(upload_eof),
      .value = "strict",
      .help = "How a client must end an upload. strict: with TLS close_notify. "
              "size: also with a bare FIN after as many bytes as ALLO "
              "announced. lenient: with any bare FIN, and the client may close "
              "its control connection without waiting for the reply; then the "
              "server can't distinguish a cut upload from a complete one. "
              "announced: with close_notify, after at least as many bytes as "
              "ALLO announced; without ALLO, in TYPE A and in MODE Z there is "
              "no upload. A FIN before the first byte always counts as a cut: "
              "an empty file needs close_notify. Per user: upload_eof= in the "
              "users file." },
    { .key = "fsync",
      .type = SETTING_YES_NO,
      .offset = FIELD(fsync),
      .value = "yes",
      .help = "Write an upload to the disk before the 226. With \"no\" a "
              "power cut can lose files that were reported as stored, and "
              "resumed uploads can be wrong after it." },
    { .key = "sha256",
      .type = SETTING_YES_NO,
      .offset = FIELD(sha256),
      .value = "no",
      .help = "Put the SHA-256 of each stored file into its transfer event. It "
              "costs about as much processor time as receiving the file. An "
              "upload that continues one, or a file, has none: nothing is "
              "read back." },
    { .key = "allow_weaker",
      .type = SETTING_WEAKER,
      .offset = FIELD(allow_weaker),
      .value = "",
      .help = "Parts of the sandboxes that may fail without an error, on a "
              "system that lacks them: ids, chroot, seccomp, landlock." },
    { .key = "accounts",
      .type = SETTING_NUMBER,
      .offset = FIELD(accounts),
      .value = "0",
      .max = UINT32_MAX - SETTINGS_ACCOUNTS,
      .help = "0: the processes have the accounts _sallyport-gate (also the "
              "sessions), _sallyport-auth, _sallyport-log and "
              "_sallyport-keys, which systemd-sysusers makes. Another number, "
              "for a trial without accounts: gate has this uid and gid, and "
              "auth, log and keys have the next three." },
    { .key = "uid_first",
      .type = SETTING_NUMBER,
      .offset = FIELD(uid_first),
      .value = "70000",
      .min = 1000,
      .max = UINT32_MAX - 1,
      .help = "First uid of users. A user with a lower uid can't log in." },
    { .key = "uid_last",
      .type = SETTING_NUMBER,
      .offset = FIELD(uid_last),
      .value = "79999",
      .min = 1000,
      .max = UINT32_MAX - 1,
      .help = "Last uid of users. A user with a higher uid can't log in." },
    { .key = "gid_first",
      .type = SETTING_NUMBER,
      .offset = FIELD(gid_first),
      .value = "80000",
      .min = 1000,
      .max = UINT32_MAX - 1,
      .help = "First gid that \"sallyportctl share add\" gives out. A share "
              "may also have the gid of a local group." },
    { .key = "gid_last",
      .type = SETTING_NUMBER,
      .offset = FIELD(gid_last),
      .value = "89999",
      .min = 1000,
      .max = UINT32_MAX - 1,
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

/* Each one was in a release. */
#define SUITES_INSTEAD "tls_suites = aes256 leaves only those with AES-256; "
#define ACCOUNTS_INSTEAD                                                       \
    "for a server without the accounts _sallyport-*, accounts = 69990 gives "  \
    "its processes that number and the next three; "
#define NO_OCSP "public CAs have ended OCSP, and no response is sent; "
static const struct {
    const char *key, *instead; /* a key that ends with '.' has labels; what does
                                  it now, or "" */
} retired[] = {
    { "address_refresh", "" },
    { "control",
      "the socket is /run/sallyport/control, or \"control\" beside another "
      "configuration; " },
    { "ktls", "" },
    { "metrics_listen",
      "sallyportctl metrics prints the metrics, and this serves them: "
      "systemctl enable --now sallyport-metrics.socket; " },
    { "ocsp_file", NO_OCSP },
    { "ocsp_file.", NO_OCSP },
    { "tls12_suites", SUITES_INSTEAD },
    { "tls13_suites", SUITES_INSTEAD },
    { "uid.auth", ACCOUNTS_INSTEAD },
    { "uid.gate", ACCOUNTS_INSTEAD },
    { "uid.keys", ACCOUNTS_INSTEAD },
    { "uid.log", ACCOUNTS_INSTEAD },
    { "uid.lookup", "" },
    { "uid.metrics", "" },
    { "xferlog",
      "sallyportctl log --json | jq -rf examples/xferlog.jq prints that "
      "form; " },
};

const char *table_retired(struct slice key)
{
    for (size_t i = 0; i < sizeof(retired) / sizeof(retired[0]); i++) {
        struct slice own = slice_from(retired[i].key);

        if (slice_equal(key, own) ||
            (own.ptr[own.len - 1] == '.' && slice_starts(key, own)))
            return retired[i].instead;
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
