/* The shared client, built into this program. */
#include "../../support/tls_client.c"
