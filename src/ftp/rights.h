/* The bits of enum right (users/rights.h), a room that ftp may not see; the
 * unit test holds the two equal. */
#ifndef SALLYPORT_SRC_FTP_RIGHTS_H
#define SALLYPORT_SRC_FTP_RIGHTS_H

#define MAY_LIST    1u
#define MAY_READ    2u
#define MAY_WRITE   4u
#define MAY_REPLACE 8u
#define MAY_DELETE  16u
#define MAY_RENAME  32u
#define MAY_FOLDER  64u

#endif
