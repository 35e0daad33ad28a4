/* The command table. Each row holds all that the protocol says about a command.
 * FEAT, HELP, the checks of phase, argument and rights, and the masking in the
 * log follow from this table. */
#ifndef SALLYPORT_FTP_COMMAND_H
#define SALLYPORT_FTP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/random.h"
#include "sallyport/base/slice.h"
#include "sallyport/domain/choices.h"

/* The rows, sorted by name. COMMAND is a command; REFUSED is a command that
 * session always refuses; ALIAS is another name of a command. The first word is
 * the name, ABOR, and makes the verb, VERB_ABOR. The second word is the
 * function in session, cmd_abor(), or the verb of an ALIAS. The other words are
 * fields of struct command. A REFUSED row has the reply, a further flag or 0,
 * and the syntax; session sends this reply once TLS is on. COMMAND_KEEPS_REST
 * is set for the commands that clients send between REST and the transfer: lftp
 * sends TYPE, SIZE, MDTM, PASV, ALLO, REST, and its older versions REST, PASV,
 * RETR; by PWD, NOOP and the like a client keeps its connection alive. PASS
 * without an argument gets the reply of any wrong password. In a drop, where a
 * user can only write, a listing is empty, and SIZE and HASH answer only about
 * the user's own unfinished uploads.
 *
 * Most commands are from RFC 959. XCUP, XCWD, XMKD, XPWD, XRMD: RFC 775. ADAT,
 * CCC, CONF, ENC, MIC: RFC 2228. AUTH, PBSZ, PROT: RFC 4217. FEAT, OPTS: RFC
 * 2389. EPRT, EPSV: RFC 2428. MDTM, MLSD, MLST, REST, SIZE: RFC 3659. HOST: RFC
 * 7151. MODE Z: draft-preston-ftpext-deflate. HASH: draft-bryan-ftpext-hash.
 * RANG: draft-bryan-ftp-range. MFMT: draft-somers-ftp-mfxx. AVBL, CSID:
 * draft-peterson-streamlined-ftp-command-extensions. CLNT, PRET, XCRC, XSHA256
 * and XSHA512 are in no RFC or draft. */
#define COMMAND_LIST(COMMAND, REFUSED, ALIAS)                                  \
    COMMAND(ABOR, abor, .flags = COMMAND_IN_TRANSFER | COMMAND_BEFORE_CHANGE,  \
            .help = "ABOR")                                                    \
    REFUSED(ACCT, NOT_IMPLEMENTED, COMMAND_SECRET, "ACCT account")             \
    REFUSED(ADAT, NOT_IMPLEMENTED, COMMAND_SECRET, "ADAT data")                \
    COMMAND(ALLO, allo, .argument = ARGUMENT_REQUIRED, .rights = RIGHT_WRITE,  \
            .flags = COMMAND_KEEPS_REST, .help = "ALLO bytes")                 \
    COMMAND(APPE, stor, .argument = ARGUMENT_PATH, .rights = RIGHT_WRITE,      \
            .data = DATA_FROM_CLIENT,                                          \
            .flags = COMMAND_FILE | COMMAND_KEEPS_REST, .help = "APPE path")   \
    COMMAND(AUTH, auth, .phase = COMMAND_ALWAYS,                               \
            .argument = ARGUMENT_REQUIRED, .feat = "AUTH TLS\nAUTH SSL",       \
            .help = "AUTH TLS")                                                \
    COMMAND(AVBL, avbl, .argument = ARGUMENT_OPTIONAL_PATH,                    \
            .rights = RIGHT_WRITE, .flags = COMMAND_KEEPS_REST,                \
            .feat = "AVBL", .help = "AVBL [path]")                             \
    REFUSED(CCC, POLICY, 0, "CCC")                                             \
    COMMAND(CDUP, cwd, .help = "CDUP")                                         \
    COMMAND(CLNT, client, .phase = COMMAND_SECURED,                            \
            .argument = ARGUMENT_REQUIRED, .flags = COMMAND_KEEPS_REST,        \
            .feat = "CLNT", .help = "CLNT name")                               \
    REFUSED(CONF, NOT_IMPLEMENTED, COMMAND_SECRET, "CONF command")             \
    COMMAND(CSID, client, .phase = COMMAND_SECURED,                            \
            .argument = ARGUMENT_OPTIONAL, .flags = COMMAND_KEEPS_REST,        \
            .feat = "CSID", .help = "CSID [Name=client;]")                     \
    COMMAND(CWD, cwd, .argument = ARGUMENT_PATH, .feat = "TVFS",               \
            .help = "CWD path")                                                \
    COMMAND(DELE, change, .argument = ARGUMENT_PATH, .rights = RIGHT_DELETE,   \
            .flags = COMMAND_FILE, .help = "DELE path")                        \
    REFUSED(ENC, NOT_IMPLEMENTED, COMMAND_SECRET, "ENC command")               \
    REFUSED(EPRT, NO_ACTIVE, COMMAND_KEEPS_REST, "EPRT |family|address|port|") \
    COMMAND(EPSV, epsv, .argument = ARGUMENT_OPTIONAL,                         \
            .flags = COMMAND_KEEPS_REST | COMMAND_BEFORE_CHANGE,               \
            .feat = "EPSV", .help = "EPSV [1 | 2 | ALL]")                      \
    COMMAND(FEAT, feat, .phase = COMMAND_ALWAYS, .flags = COMMAND_KEEPS_REST,  \
            .help = "FEAT")                                                    \
    COMMAND(HASH, hash, .argument = ARGUMENT_PATH,                             \
            .rights = RIGHT_READ | RIGHT_WRITE, .flags = COMMAND_FILE,         \
            .feat = "HASH {}", .help = "HASH path")                            \
    COMMAND(HELP, help, .phase = COMMAND_ALWAYS,                               \
            .argument = ARGUMENT_OPTIONAL, .flags = COMMAND_KEEPS_REST,        \
            .help = "HELP [command]")                                          \
    COMMAND(HOST, host, .phase = COMMAND_ALWAYS,                               \
            .argument = ARGUMENT_REQUIRED, .feat = "HOST",                     \
            .help = "HOST name")                                               \
    COMMAND(LIST, send, .argument = ARGUMENT_OPTIONAL_PATH,                    \
            .rights = RIGHT_LIST | RIGHT_WRITE, .data = DATA_TO_CLIENT,        \
            .help = "LIST [path]")                                             \
    COMMAND(MDTM, facts, .argument = ARGUMENT_PATH,                            \
            .rights = RIGHT_LIST | RIGHT_WRITE, .flags = COMMAND_KEEPS_REST,   \
            .feat = "MDTM", .help = "MDTM path")                               \
    COMMAND(MFMT, mfmt, .argument = ARGUMENT_REQUIRED, .rights = RIGHT_WRITE,  \
            .flags = COMMAND_KEEPS_REST, .feat = "MFMT",                       \
            .help = "MFMT YYYYMMDDHHMMSS path")                                \
    REFUSED(MIC, NOT_IMPLEMENTED, COMMAND_SECRET, "MIC command")               \
    COMMAND(MKD, change, .argument = ARGUMENT_PATH, .rights = RIGHT_DIRECTORY, \
            .help = "MKD path")                                                \
    COMMAND(MLSD, send, .argument = ARGUMENT_OPTIONAL_PATH,                    \
            .rights = RIGHT_LIST | RIGHT_WRITE, .data = DATA_TO_CLIENT,        \
            .help = "MLSD [path]")                                             \
    COMMAND(MLST, facts, .argument = ARGUMENT_OPTIONAL_PATH,                   \
            .rights = RIGHT_LIST | RIGHT_WRITE, .feat = "MLST {}",             \
            .help = "MLST [path]")                                             \
    COMMAND(MODE, mode, .argument = ARGUMENT_REQUIRED,                         \
            .flags =                                                           \
                COMMAND_KEEPS_REST | COMMAND_BEFORE_CHANGE | COMMAND_FEAT_Z,   \
            .feat = "MODE Z", .help = "MODE S | MODE Z")                       \
    COMMAND(NLST, send, .argument = ARGUMENT_OPTIONAL_PATH,                    \
            .rights = RIGHT_LIST | RIGHT_WRITE, .data = DATA_TO_CLIENT,        \
            .help = "NLST [path]")                                             \
    COMMAND(NOOP, fixed, .phase = COMMAND_ALWAYS, .reply = REPLY_NOOP_OK,      \
            .flags =                                                           \
                COMMAND_IN_TRANSFER | COMMAND_KEEPS_REST | COMMAND_KEEPS_RNFR, \
            .help = "NOOP")                                                    \
    COMMAND(OPTS, opts, .phase = COMMAND_SECURED,                              \
            .argument = ARGUMENT_REQUIRED, .flags = COMMAND_KEEPS_REST,        \
            .feat = "UTF8",                                                    \
            .help = "OPTS UTF8 ON | OPTS MLST [facts] | OPTS HASH [name] | "   \
                    "OPTS MODE Z [LEVEL n] | "                                 \
                    "OPTS STOR [conflict=reject|rename|overwrite]")            \
    COMMAND(PASS, pass, .phase = COMMAND_NAMED, .argument = ARGUMENT_OPTIONAL, \
            .flags = COMMAND_SECRET, .help = "PASS password")                  \
    COMMAND(PASV, pasv, .flags = COMMAND_KEEPS_REST | COMMAND_BEFORE_CHANGE,   \
            .help = "PASV")                                                    \
    COMMAND(PBSZ, pbsz, .phase = COMMAND_SECURED,                              \
            .argument = ARGUMENT_REQUIRED, .flags = COMMAND_KEEPS_REST,        \
            .feat = "PBSZ", .help = "PBSZ 0")                                  \
    REFUSED(PORT, NO_ACTIVE, COMMAND_KEEPS_REST, "PORT h1,h2,h3,h4,p1,p2")     \
    /* PRET is for servers that must know the file before the port. FEAT       \
     * doesn't name it: otherwise lftp would send it before each transfer. */  \
    COMMAND(PRET, fixed, .argument = ARGUMENT_REQUIRED,                        \
            .reply = REPLY_PRET_OK,                                            \
            .flags = COMMAND_KEEPS_REST | COMMAND_BEFORE_CHANGE,               \
            .help = "PRET command")                                            \
    COMMAND(PROT, prot, .phase = COMMAND_SECURED,                              \
            .argument = ARGUMENT_REQUIRED, .flags = COMMAND_KEEPS_REST,        \
            .feat = "PROT", .help = "PROT P")                                  \
    COMMAND(PWD, pwd, .flags = COMMAND_KEEPS_REST | COMMAND_BEFORE_CHANGE,     \
            .help = "PWD")                                                     \
    COMMAND(QUIT, quit, .phase = COMMAND_ALWAYS, .flags = COMMAND_IN_TRANSFER, \
            .help = "QUIT")                                                    \
    COMMAND(RANG, rang, .argument = ARGUMENT_REQUIRED,                         \
            .flags = COMMAND_KEEPS_REST | COMMAND_BEFORE_CHANGE,               \
            .feat = "RANG STREAM",                                             \
            .help = "RANG first last (of the bytes that RETR or HASH takes; "  \
                    "1 0: all)")                                               \
    REFUSED(REIN, NOT_IMPLEMENTED, 0, "REIN")                                  \
    COMMAND(REST, rest, .argument = ARGUMENT_REQUIRED,                         \
            .flags = COMMAND_KEEPS_REST | COMMAND_BEFORE_CHANGE,               \
            .feat = "REST STREAM", .help = "REST offset")                      \
    COMMAND(RETR, send, .argument = ARGUMENT_PATH, .rights = RIGHT_READ,       \
            .data = DATA_TO_CLIENT,                                            \
            .flags = COMMAND_FILE | COMMAND_KEEPS_REST, .help = "RETR path")   \
    COMMAND(RMD, change, .argument = ARGUMENT_PATH, .rights = RIGHT_DIRECTORY, \
            .help = "RMD path")                                                \
    COMMAND(RNFR, facts, .argument = ARGUMENT_PATH, .rights = RIGHT_RENAME,    \
            .help = "RNFR path")                                               \
    COMMAND(RNTO, rnto, .argument = ARGUMENT_PATH, .rights = RIGHT_RENAME,     \
            .flags = COMMAND_KEEPS_RNFR, .help = "RNTO path")                  \
    /* sub-commands: SITE_LIST */                                              \
    COMMAND(SITE, site, .argument = ARGUMENT_REQUIRED,                         \
            .flags = COMMAND_KEEPS_REST | COMMAND_BEFORE_CHANGE,               \
            .help = "SITE command")                                            \
    COMMAND(SIZE, size, .argument = ARGUMENT_PATH,                             \
            .rights = RIGHT_LIST | RIGHT_WRITE,                                \
            .flags = COMMAND_FILE | COMMAND_KEEPS_REST, .feat = "SIZE",        \
            .help = "SIZE path")                                               \
    REFUSED(SMNT, NOT_IMPLEMENTED, 0, "SMNT path")                             \
    COMMAND(STAT, stat, .argument = ARGUMENT_OPTIONAL_PATH,                    \
            .flags = COMMAND_IN_TRANSFER | COMMAND_KEEPS_REST,                 \
            .help = "STAT [path]")                                             \
    COMMAND(STOR, stor, .argument = ARGUMENT_PATH, .rights = RIGHT_WRITE,      \
            .data = DATA_FROM_CLIENT,                                          \
            .flags = COMMAND_FILE | COMMAND_KEEPS_REST, .feat = "STOR {}",     \
            .help = "STOR path")                                               \
    COMMAND(STOU, stor, .argument = ARGUMENT_OPTIONAL_PATH,                    \
            .rights = RIGHT_WRITE, .data = DATA_FROM_CLIENT,                   \
            .flags = COMMAND_FILE, .help = "STOU [path]")                      \
    COMMAND(STRU, stru, .argument = ARGUMENT_REQUIRED,                         \
            .flags = COMMAND_KEEPS_REST | COMMAND_BEFORE_CHANGE,               \
            .help = "STRU F")                                                  \
    COMMAND(SYST, fixed, .phase = COMMAND_ALWAYS, .reply = REPLY_SYST,         \
            .flags = COMMAND_KEEPS_REST, .help = "SYST")                       \
    COMMAND(TYPE, type, .argument = ARGUMENT_REQUIRED,                         \
            .flags = COMMAND_KEEPS_REST | COMMAND_BEFORE_CHANGE,               \
            .help = "TYPE I | TYPE A")                                         \
    COMMAND(USER, user, .phase = COMMAND_SECURED,                              \
            .argument = ARGUMENT_REQUIRED, .help = "USER name")                \
    COMMAND(XCRC, checksum, .argument = ARGUMENT_REQUIRED,                     \
            .rights = RIGHT_READ, .feat = "XCRC",                              \
            .help = "XCRC path, or XCRC \"path\" [start [end]]")               \
    ALIAS(XCUP, CDUP, .flags = COMMAND_HIDDEN, .help = "XCUP")                 \
    ALIAS(XCWD, CWD, .argument = ARGUMENT_PATH, .flags = COMMAND_HIDDEN,       \
          .help = "XCWD path")                                                 \
    ALIAS(XMKD, MKD, .argument = ARGUMENT_PATH, .rights = RIGHT_DIRECTORY,     \
          .flags = COMMAND_HIDDEN, .help = "XMKD path")                        \
    ALIAS(XPWD, PWD, .help = "XPWD",                                           \
          .flags =                                                             \
              COMMAND_HIDDEN | COMMAND_KEEPS_REST | COMMAND_BEFORE_CHANGE)     \
    ALIAS(XRMD, RMD, .argument = ARGUMENT_PATH, .rights = RIGHT_DIRECTORY,     \
          .flags = COMMAND_HIDDEN, .help = "XRMD path")                        \
    COMMAND(XSHA256, checksum, .argument = ARGUMENT_REQUIRED,                  \
            .rights = RIGHT_READ, .feat = "XSHA256",                           \
            .help = "XSHA256 path, or XSHA256 \"path\" [start [end]]")         \
    COMMAND(XSHA512, checksum, .argument = ARGUMENT_REQUIRED,                  \
            .rights = RIGHT_READ, .feat = "XSHA512",                           \
            .help = "XSHA512 path, or XSHA512 \"path\" [start [end]]")

enum verb {
    VERB_NONE, /* an unknown command */
#define VERB(name, ...) VERB_##name,
#define NO_VERB(name, ...)
    COMMAND_LIST(VERB, VERB, NO_VERB)
#undef VERB
#undef NO_VERB
        VERB_COUNT
};

/* The step that must come before the command. A row that names no phase needs a
 * login. */
enum command_phase {
    COMMAND_LOGGED_IN,
    COMMAND_NAMED,   /* after USER */
    COMMAND_SECURED, /* after the TLS handshake */
    COMMAND_ALWAYS   /* even before TLS */
};

enum command_argument {
    ARGUMENT_NONE,
    ARGUMENT_OPTIONAL,
    ARGUMENT_REQUIRED,
    ARGUMENT_PATH, /* one path, taken literally */
    ARGUMENT_OPTIONAL_PATH
};

enum command_data { DATA_NONE, DATA_TO_CLIENT, DATA_FROM_CLIENT };

enum command_flag {
    COMMAND_IN_TRANSFER = 1, /* allowed during a transfer */
    COMMAND_SECRET = 2,      /* the log shows the argument as *** */
    COMMAND_HIDDEN = 4,      /* not in HELP */
    COMMAND_REFUSED = 8,     /* known, but always refused with .reply */
    COMMAND_KEEPS_REST = 16, /* keeps a pending REST */
    COMMAND_KEEPS_RNFR = 32, /* keeps a pending RNFR */
    COMMAND_FEAT_Z = 128,    /* in FEAT only if MODE Z is on */
    COMMAND_FILE = 256,      /* a path that ends in "/" gets 550 */
    /* Permitted to a user who must change the password first. These commands
     * prepare a transfer, but look at no file; of SITE, cmd_site() permits only
     * PSWD and HELP. So session refuses the transfer itself, and clients show
     * that reply. If session refused PASV, lftp would retry. */
    COMMAND_BEFORE_CHANGE = 512,
};

struct command {
    const char *name;
    enum verb verb;
    enum command_phase phase;
    enum command_argument argument;
    unsigned rights; /* enum right bits (sallyport/domain/rights.h): the user
                        needs one of them; 0: none */
    enum command_data data;
    unsigned flags;
    unsigned short reply; /* enum reply, for COMMAND_REFUSED or cmd_fixed() */
    const char *feat;     /* its lines in FEAT, separated by '\n', or NULL; "{}"
                             stands for the session's choices */
    const char *help;     /* the syntax for HELP ("RETR path") */
};
/* An alias (XPWD, …) is a row with the same verb. */
extern const struct command command_table[];
extern const size_t command_count;

/* Writes "no right to overwrite (o)", or "no right to list (l) or upload (w)",
 * for users and the log. RIGHTS are enum right bits
 * (sallyport/domain/rights.h). Returns OUT. */
#define COMMAND_LACKS_MAX 192
const char *command_lacks(unsigned rights, char out[COMMAND_LACKS_MAX]);

/* Finds a row by its name, ignoring case; NULL if the command is unknown. */
const struct command *command_find(struct slice name);

/* Returns the name in the verb's first row, or "?". */
const char *command_name(enum verb verb);

/* Splits "VERB rest" at the first blank; the argument is all bytes after that
 * blank, unchanged. The slices point into LINE. Skips telnet's IP and Synch
 * before the verb: lftp sends IP and Synch with ABOR and STAT, inside TLS, too.
 */
struct request {
    struct slice verb, argument;
    const struct command *command; /* NULL: unknown command */
};
void command_parse(struct slice line, struct request *ret);

/* The algorithms of HASH, and their names. */
enum hash_choice { HASH_SHA256, HASH_SHA512, HASH_COUNT };
extern const char *const hash_names[HASH_COUNT];

/* The choices that the client makes by OPTS, which FEAT marks with a '*'. */
struct choices {
    bool mode_z; /* a setting of the server */
    enum hash_choice hash;
    unsigned facts; /* enum listing_fact bits */
    enum conflict conflict;
};

/* Add the lines of the reply to FEAT or HELP, each by reply_line(). Call these
 * functions between reply_begin() and reply_end(). If NAME isn't empty,
 * command_help() adds only that command's syntax. It returns 0; -EINVAL: NAME
 * is unknown. */
void command_feat(const struct choices *c, struct buf *into);
int command_help(struct slice name, struct buf *into);

/* The sub-commands of SITE, sorted by name. SITE HELP and HELP SITE come from
 * these rows. The second word names the function, cmd_site_chmod() in session.
 * CHMOD needs the rights to change the file, since the mode decides which users
 * can change the file. EXEC, SYMLINK, CPFR and similar sub-commands are
 * excluded for good. */
#define SITE_LIST(SITE)                                                        \
    SITE(CHMOD, chmod, .argument = ARGUMENT_REQUIRED,                          \
         .rights = RIGHT_WRITE | RIGHT_REPLACE,                                \
         .help = "SITE CHMOD mode path")                                       \
    SITE(HELP, help, .help = "SITE HELP")                                      \
    SITE(PARTIAL, partial, .argument = ARGUMENT_REQUIRED,                      \
         .rights = RIGHT_WRITE, .help = "SITE PARTIAL path")                   \
    SITE(PSWD, pswd, .argument = ARGUMENT_REQUIRED, .secret = true,            \
         .help = "SITE PSWD old new | SITE PSWD \"old\" \"new\" "              \
                 "(in quotes, \"\" is a \")")                                  \
    SITE(QUOTA, quota, .argument = ARGUMENT_OPTIONAL, .rights = RIGHT_WRITE,   \
         .help = "SITE QUOTA [path]")

enum site_verb {
#define SITE(name, ...) SITE_##name,
    SITE_LIST(SITE)
#undef SITE
        SITE_COUNT
};

struct site_command {
    const char *name;
    enum site_verb verb;
    enum command_argument argument; /* NONE, OPTIONAL or REQUIRED */
    bool secret;     /* the argument must come over TLS, and session wipes it */
    unsigned rights; /* enum right bits: all of them are needed */
    const char *help;
};
extern const struct site_command site_table[SITE_COUNT];

/* Finds a row by its name, ignoring case; NULL if it is unknown. */
const struct site_command *site_find(struct slice name);
/* Takes the next word of an argument. It ends at a blank, or is a text in
 * quotes, in which "" is a quote. A word longer than SECRET_MAX is cut. Returns
 * 0; -EINVAL: no word is left, or something follows the quotes. */
int command_secret(struct slice *rest, struct secret *ret);
/* Adds the syntax of each row of SITE_LIST, by reply_line(). */
void site_help(struct buf *into);

#endif
