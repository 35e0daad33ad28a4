/* The command table. Each row holds all that the protocol says about a command.
 * FEAT, HELP, the checks of phase, argument and rights, and the masking in the
 * log follow from it. */
#ifndef SALLYPORT_FTP_COMMAND_H
#define SALLYPORT_FTP_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "sallyport/base/buf.h"
#include "sallyport/base/slice.h"

enum verb {
    VERB_NONE, /* an unknown command */
    VERB_AUTH,
    VERB_PBSZ,
    VERB_PROT,
    VERB_CCC,
    VERB_USER,
    VERB_PASS,
    VERB_ACCT,
    VERB_REIN,
    VERB_QUIT,
    VERB_FEAT,
    VERB_OPTS,
    VERB_SYST,
    VERB_HELP,
    VERB_NOOP,
    VERB_STAT,
    VERB_HOST,
    VERB_TYPE,
    VERB_MODE,
    VERB_STRU,
    VERB_PWD,
    VERB_CWD,
    VERB_CDUP,
    VERB_MKD,
    VERB_RMD,
    VERB_DELE,
    VERB_RNFR,
    VERB_RNTO,
    VERB_SIZE,
    VERB_MDTM,
    VERB_MLST,
    VERB_PASV,
    VERB_EPSV,
    VERB_PORT,
    VERB_EPRT,
    VERB_LIST,
    VERB_NLST,
    VERB_MLSD,
    VERB_RETR,
    VERB_STOR,
    VERB_APPE,
    VERB_REST,
    VERB_ABOR,
    VERB_ALLO,
    VERB_SMNT,
    VERB_ADAT,
    VERB_MIC,
    VERB_CONF,
    VERB_ENC,
    VERB_MFMT,
    VERB_MFF,
    VERB_SITE,
    VERB_STOU,
    VERB_AVBL,
    VERB_CLNT,
    VERB_CSID,
    VERB_PRET,
    VERB_HASH,
    VERB_RANG,
    VERB_XSHA256,
    VERB_XSHA512,
    VERB_XCRC,
    VERB_COUNT
};

/* The step that must come before the command. */
enum command_phase {
    COMMAND_ALWAYS,  /* even before TLS */
    COMMAND_SECURED, /* after the TLS handshake */
    COMMAND_NAMED,   /* after USER */
    COMMAND_LOGGED_IN
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
    COMMAND_REFUSED = 8,     /* known, but always refused: see refusal */
    COMMAND_KEEPS_REST = 16, /* keeps a pending REST */
    COMMAND_KEEPS_RNFR = 32, /* keeps a pending RNFR */
    COMMAND_ACTIVE =
        64, /* needs active mode; without it, refused and not in FEAT */
    COMMAND_FEAT_Z = 128, /* in FEAT only if MODE Z is on */
    COMMAND_FILE = 256,   /* a path that ends in "/" gets 550 */
};

struct command {
    const char *name;
    enum verb verb;
    enum command_phase phase;
    enum command_argument argument;
    unsigned rights; /* enum right bits (sallyport/domain/rights.h): one of them
                        suffices; 0: none needed */
    enum command_data data;
    unsigned flags;
    unsigned short
        refusal; /* the reply if COMMAND_REFUSED or COMMAND_ACTIVE refuses it */
    const char *feat; /* its lines in FEAT, separated by '\n', or NULL; "{}"
                         stands for the choices */
    const char *help; /* the syntax for HELP ("RETR path") */
};
/* Sorted by name. An alias (XPWD, …) is a row with the same verb. */
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
 * blank, unchanged. The slices point into LINE. Telnet's IP and Synch before
 * the verb are skipped: lftp sends them with ABOR and STAT, inside TLS too. */
struct request {
    struct slice verb, argument;
    const struct command *command; /* NULL: unknown command */
};
void command_parse(struct slice line, struct request *ret);

/* The algorithms of HASH, and their names. */
enum hash_choice { HASH_SHA256, HASH_SHA512, HASH_COUNT };
extern const char *const hash_names[HASH_COUNT];

/* The session's choices by OPTS. FEAT marks them with a '*'. */
struct choices {
    bool active, mode_z; /* settings of the server */
    enum hash_choice hash;
    unsigned facts; /* enum listing_fact bits */
};

/* Adds the lines of the FEAT or HELP reply, each by reply_line(); so call them
 * between reply_begin() and reply_end(). With a NAME, HELP gives only that
 * command's syntax. Returns 0, or -EINVAL if NAME is unknown. */
void command_feat(const struct choices *c, struct buf *into);
int command_help(struct slice name, struct buf *into);

#endif
