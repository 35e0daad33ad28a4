/* A fault in a header: clang-tidy must look into those of src, too. */
#ifndef SALLYPORT_PLANTED_H
#define SALLYPORT_PLANTED_H

int planted_name(int first); /* readability-inconsistent-declaration-parameter-name */
int planted_name(int second);

#endif
