# What cpack makes: the packages sallyport-server, sallyport-client and
# sallyport-doc for the Debian on which it runs. etc/packaging/build calls it, with
# Debian's flags and a fixed time. See docs/admin/installing.md.
set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_INSTALL_PREFIX /usr)
set(CPACK_SET_DESTDIR ON) # the unit names the programs by their final path
set(CPACK_PACKAGE_NAME sallyport)
set(CPACK_PACKAGE_VENDOR "the Sallyport maintainers")
# Debian's policy wants an address. The project has none, and .invalid says so. That
# of the last commit would give other bytes than an archive without git.
set(SALLYPORT_MAINTAINER "" CACHE STRING "who makes the packages: Name <address>")
set(CPACK_PACKAGE_CONTACT "${SALLYPORT_MAINTAINER}")
if(NOT CPACK_PACKAGE_CONTACT)
    set(CPACK_PACKAGE_CONTACT "the Sallyport maintainers <maintainers@sallyport.invalid>")
endif()
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_COMPONENTS_ALL doc)
if(SALLYPORT_SERVER)
    list(APPEND CPACK_COMPONENTS_ALL server)
endif()
if(SALLYPORT_CLIENT)
    list(APPEND CPACK_COMPONENTS_ALL client)
endif()
set(CPACK_INSTALL_DEFAULT_DIRECTORY_PERMISSIONS OWNER_READ OWNER_WRITE
    OWNER_EXECUTE GROUP_READ GROUP_EXECUTE WORLD_READ WORLD_EXECUTE)
# What Debian's policy wants in a package, beside what is installed.
set(CPACK_PRE_BUILD_SCRIPTS ${PROJECT_SOURCE_DIR}/etc/packaging/stage.cmake)
set(CPACK_SALLYPORT_STAGE ${PROJECT_SOURCE_DIR}/etc/packaging/stage)

set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_RELEASE 1)
set(CPACK_DEBIAN_PACKAGE_SOURCE sallyport)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_COMPRESSION_TYPE xz)
set(CPACK_DEBIAN_PACKAGE_CONTROL_STRICT_PERMISSION ON)

set(debian ${PROJECT_SOURCE_DIR}/etc/packaging/debian)
set(CPACK_DEBIAN_SERVER_PACKAGE_CONTROL_EXTRA ${debian}/postinst ${debian}/prerm
    ${debian}/postrm)
set(CPACK_DEBIAN_SERVER_PACKAGE_DEPENDS "openssl, \
systemd | systemd-standalone-sysusers | systemd-sysusers, \
systemd | systemd-standalone-tmpfiles | systemd-tmpfiles")
# Errors and settings name its pages.
set(CPACK_DEBIAN_SERVER_PACKAGE_RECOMMENDS sallyport-doc)
set(CPACK_DEBIAN_SERVER_PACKAGE_SUGGESTS sallyport-client)
set(CPACK_DEBIAN_SERVER_DESCRIPTION "TLS-only FTP server of small processes
Sallyport is a file drop for teams. Partners upload by FTP over TLS with the
programs that they have: curl, lftp, WinSCP, FileZilla, rclone, a scanner.

The server is a set of small processes, each with a sandbox of its own: the one
that parses the network can't open a file, and the one that opens files doesn't
see the network. An upload gets its name only when it is complete and on the
disk. A reload and an upgrade end no session.

This package has the server and sallyportctl, the administrator's command.")

set(CPACK_DEBIAN_CLIENT_PACKAGE_RECOMMENDS ca-certificates)
set(CPACK_DEBIAN_CLIENT_PACKAGE_SUGGESTS "sallyport-doc, bash-completion")
set(CPACK_DEBIAN_CLIENT_DESCRIPTION "client for FTP servers, over TLS only
The command sallyport uploads, downloads and synchronizes files with Sallyport
and with other FTP servers. It sends nothing without TLS, resumes after a cut,
compares checksums, and tests servers (sallyport doctor).")

set(CPACK_DEBIAN_DOC_PACKAGE_ARCHITECTURE all)
set(CPACK_DEBIAN_DOC_PACKAGE_SHLIBDEPS OFF)
set(CPACK_DEBIAN_DOC_PACKAGE_SECTION doc)
set(CPACK_DEBIAN_DOC_DESCRIPTION "documentation of Sallyport, a TLS-only FTP server
Pages about the architecture, the settings, users, shares and teams,
certificates, the log, and what was tested with which clients; an example of
the configuration, and a timer that looks for a new address of the server.")
include(CPack)
