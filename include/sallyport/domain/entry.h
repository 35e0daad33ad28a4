/* The kinds of directory entries: files reports them in its messages, and
 * listings show them. */
#ifndef SALLYPORT_DOMAIN_ENTRY_H
#define SALLYPORT_DOMAIN_ENTRY_H

enum entry_kind {
    ENTRY_FILE,
    ENTRY_DIRECTORY,
    ENTRY_LINK,
    ENTRY_CDIR,
    ENTRY_PDIR,
    ENTRY_FIFO,
    ENTRY_OTHER, /* a socket, or a device */
    ENTRY_KIND_COUNT
};

#endif
