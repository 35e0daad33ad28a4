/* Choices of an administrator: words that the configuration, the users file and
 * the processes that follow them share. */
#ifndef SALLYPORT_DOMAIN_CHOICES_H
#define SALLYPORT_DOMAIN_CHOICES_H

#include <stdint.h>

/* The proof that a data connection must give. */
enum data_binding {
    BINDING_USER,    /* a TLS session of the same user and address */
    BINDING_SESSION, /* the TLS session of this control connection */
    BINDING_ADDRESS, /* only the client's address */
    BINDING_COUNT
};

#define BINDING_EXPECTED "user, session or address"
extern const char *const binding_words[BINDING_COUNT];

/* How to treat an upload to a name that is taken. */
enum conflict {
    CONFLICT_OVERWRITE, /* the new file replaces the old one */
    CONFLICT_RENAME,    /* the new file gets another name */
    CONFLICT_VERSION,   /* the old file gets another name */
    CONFLICT_REJECT,    /* the upload is refused */
    CONFLICT_COUNT
};

/* How CONFLICT_RENAME makes a name. */
enum conflict_name {
    CONFLICT_NAME_NUMBER, /* "NAME (2).ext" */
    CONFLICT_NAME_NEW,    /* "new-NAME.ext" */
    CONFLICT_NAME_COUNT
};

#define CONFLICT_EXPECTED "overwrite, rename, version or reject"
extern const char *const conflict_words[CONFLICT_COUNT];
extern const char *const conflict_name_words[CONFLICT_NAME_COUNT];

/* How an upload's data connection must end. */

/* A bare FIN is a FIN without TLS's close_notify: anybody on the path can forge
 * it. After a reset the upload always counts as cut. */
enum upload_eof {
    UPLOAD_EOF_STRICT,    /* close_notify */
    UPLOAD_EOF_SIZE,      /* or a bare FIN after exactly the bytes that ALLO
                             announced */
    UPLOAD_EOF_LENIENT,   /* or any bare FIN */
    UPLOAD_EOF_ANNOUNCED, /* close_notify, after the bytes that ALLO announced,
                             without which no upload begins */
    UPLOAD_EOF_COUNT
};

#define UPLOAD_EOF_EXPECTED "strict, size, lenient or announced"
extern const char *const upload_eof_words[UPLOAD_EOF_COUNT];

/* The form of the log. */
enum log_format {
    LOG_TEXT, /* "name=value" */
    LOG_JSON, /* one object a line */
    LOG_FORMATS
};

#define LOG_FORMAT_EXPECTED                                                    \
    "text or json; journald gets both from standard error"
extern const char *const log_format_words[LOG_FORMATS];

/* The choices that a user's row may make instead of the configuration, both by
 * the same key. */
enum { CHOICE_CONFLICT, CHOICE_UPLOAD_EOF, CHOICE_BINDING, CHOICES };
extern const struct choice {
    const char *key, *expected;
    const char *const *words; /* by the number of the enum */
    unsigned count;
} choices[CHOICES];

/* The limits that a line of a user or a team may set. */
enum {
    ROW_SESSIONS,
    ROW_TRANSFERS, /* at a time */
    ROW_UP,        /* bytes per second, of all sessions together */
    ROW_DOWN,      /* the same */
    ROW_FILE_SIZE, /* bytes */
    ROW_LIMITS
};
/* A number, or a size such as 64K; 0: no limit, if LEAST permits it. */
extern const struct limit_row {
    const char *key;
    uint64_t least, most;
} limit_rows[ROW_LIMITS];

/* Values above this mean nothing to a clock of microseconds. */
#define BANDWIDTH_MAX (UINT64_C(1) << 40)

/* The parts of a sandbox that allow_weaker can leave out: the configuration
 * names them, and master reports each part that is missing. */
enum sandbox_part {
    SANDBOX_IDS = 1,
    SANDBOX_CHROOT = 2,
    SANDBOX_SECCOMP = 4,
    SANDBOX_LANDLOCK = 8,
};

#define SANDBOX_PARTS 4
extern const struct sandbox_part_row {
    enum sandbox_part part;
    const char *word;
} sandbox_parts[SANDBOX_PARTS];

/* Returns "seccomp" and so on; "?" for anything but one part. */
const char *sandbox_part_word(unsigned part);

#endif
