/* --on-conflict, --data-binding and the like: keys in the last column of a row,
 * for "user add" and "user change". A new key is a row here. */
#include "keys.h"

#include <stdio.h>
#include <string.h>
#include <sysexits.h>

#include "certificate.h"
#include "sallyport/domain/binding.h"
#include "sallyport/domain/client_certificates.h"
#include "sallyport/domain/conflict.h"
#include "sallyport/domain/upload_eof.h"

/* The word for: use the server's setting. */
#define DEFAULT "default"

static const char *const login_words[] = { "password", "certificate" };

static const struct key_row {
    const char *key, *option;
    size_t offset; /* of the option's value in struct arguments */
    const char *const *words;
    size_t count; /* 0: no list of words, but certificate_tidy() */
} rows[] = {
    { "on_conflict", "on-conflict", offsetof(struct arguments, on_conflict),
      conflict_words, CONFLICT_COUNT },
    { "data_binding", "data-binding", offsetof(struct arguments, data_binding),
      binding_words, BINDING_COUNT },
    { "upload_eof", "upload-eof", offsetof(struct arguments, upload_eof),
      upload_eof_words, UPLOAD_EOF_COUNT },
    { "certificate", "certificate", offsetof(struct arguments, certificate),
      NULL, 0 },
    { "login", "login", offsetof(struct arguments, login), login_words, 2 },
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

/* The option's value, or NULL. */
static const char *option_value(const struct context *x,
                                const struct key_row *row)
{
    const char *text =
        *(const char *const *)(const void *)((const char *)&x->args +
                                             row->offset);

    return text && x->certificate[0] && row->count == 0 ? x->certificate : text;
}

static bool is_known(const struct key_row *row, const char *word)
{
    for (size_t i = 0; i < row->count; i++)
        if (strcmp(row->words[i], word) == 0)
            return true;
    return strcmp(word, DEFAULT) == 0;
}

static int keys_refuse(struct context *x, const struct key_row *row)
{
    char words[128] = "";
    size_t len = 0;

    for (size_t i = 0; i < row->count; i++)
        len += (size_t)snprintf(words + len, sizeof(words) - len, "%s, ",
                                row->words[i]);
    return ctl_fail(x, EX_USAGE, "--%s %s: use %sor " DEFAULT, row->option,
                    option_value(x, row), words);
}

/* Puts the certificate's name into x->certificate, as a row has it. */
static int keys_take_certificate(struct context *x)
{
    const char *text = x->args.certificate;
    struct complaint why = { "" };

    if (certificate_tidy(text, x->certificate) == 0 &&
        (strcmp(text, DEFAULT) == 0 ||
         user_certificate_check(slice_from(x->certificate), &why) == 0))
        return 0;
    return ctl_fail(x, EX_USAGE, "--%s",
                    why.text[0] ? why.text : "certificate: too long");
}

int keys_check(struct context *x)
{
    for (size_t i = 0; i < ROWS; i++)
        if (rows[i].count > 0 && option_value(x, &rows[i]) &&
            !is_known(&rows[i], option_value(x, &rows[i])))
            return keys_refuse(x, &rows[i]);
    return x->args.certificate ? keys_take_certificate(x) : 0;
}

void keys_text(const struct context *x, char out[KEYS_TEXT_MAX])
{
    size_t len = 0;

    out[0] = '\0';
    for (size_t i = 0; i < ROWS; i++) {
        const char *word = option_value(x, &rows[i]);

        if (word && strcmp(word, DEFAULT) != 0)
            len += (size_t)snprintf(out + len, KEYS_TEXT_MAX - len, " %s=%s",
                                    rows[i].key, word);
    }
}

int keys_set(struct context *x, struct edit *e, const struct user *user)
{
    int code = 0;

    for (size_t i = 0; i < ROWS && code == 0; i++) {
        const char *word = option_value(x, &rows[i]);

        if (word)
            code = edit_set_key(e, user, rows[i].key,
                                strcmp(word, DEFAULT) == 0 ? NULL : word);
    }
    return code;
}

void keys_hint(const struct context *x)
{
    if (!x->args.certificate || strcmp(x->args.certificate, DEFAULT) == 0 ||
        x->settings.client_certificates != CLIENTS_OFF)
        return;
    fprintf(stderr,
            "sallyportctl: nobody is asked for a certificate, so %s can't log "
            "in; write into %s: client_certificates = request\n",
            x->args.word[2], x->settings.file);
}
