# What `cmake --install` puts beside the programs. Nothing goes to /etc, which
# belongs to the administrator. Everything is below the prefix, where systemd,
# man, systemd-sysusers and systemd-tmpfiles look, both for /usr and for
# /usr/local. The components are those of the packages: server, client, doc. What
# is in "clone" is in no package.

file(GLOB manuals CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/docs/man/*.[1-8])
foreach(manual ${manuals} ${settings_manual})
    string(REGEX MATCH "[1-8]$" section ${manual})
    set(component server)
    if(manual MATCHES "/sallyport\\.1$")
        set(component client)
    endif()
    string(TOUPPER SALLYPORT_${component} wanted)
    if(${wanted})
        install(FILES ${manual} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section}
            COMPONENT ${component})
    endif()
endforeach()

set(ZSH_COMPLETIONS zsh/vendor-completions CACHE STRING
    "below share; the name is Debian's, others have zsh/site-functions")
if(SALLYPORT_CLIENT)
    install(FILES etc/completion/sallyport.bash
        DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
        RENAME sallyport COMPONENT client)
    install(FILES etc/completion/_sallyport
        DESTINATION ${CMAKE_INSTALL_DATADIR}/${ZSH_COMPLETIONS} COMPONENT client)
endif()
install(FILES ${settings_example} README.md CHANGELOG.md SECURITY.md CONTRIBUTING.md
    DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT doc)
install(DIRECTORY docs DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT doc
    PATTERN man EXCLUDE)
install(DIRECTORY etc/cluster DESTINATION ${CMAKE_INSTALL_DOCDIR}
    COMPONENT doc USE_SOURCE_PERMISSIONS)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT clone)
install(PROGRAMS etc/examples/sallyport-address etc/examples/sallyport-report
    etc/examples/sallyport-after etc/examples/sallyport-events
    etc/examples/sallyport-sync
    DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples COMPONENT doc)
install(PROGRAMS etc/examples/prometheus/sallyport-quotas
    DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples/prometheus COMPONENT doc)
install(DIRECTORY etc/examples/ DESTINATION ${CMAKE_INSTALL_DOCDIR}/examples
    COMPONENT doc PATTERN sallyport-address EXCLUDE
    PATTERN sallyport-report EXCLUDE PATTERN sallyport-after EXCLUDE
    PATTERN sallyport-events EXCLUDE PATTERN sallyport-sync EXCLUDE
    PATTERN sallyport-quotas EXCLUDE)

add_custom_target(uninstall
    COMMAND ${CMAKE_COMMAND} -P ${PROJECT_SOURCE_DIR}/etc/cmake/uninstall.cmake
    COMMENT "Removing what the last installation from here put there")
if(NOT SALLYPORT_SERVER)
    return()
endif()

install(FILES etc/sysusers.d/sallyport.conf DESTINATION lib/sysusers.d
    COMPONENT server)
install(FILES etc/tmpfiles.d/sallyport.conf DESTINATION lib/tmpfiles.d
    COMPONENT server)
install(PROGRAMS certs/make DESTINATION ${programs} RENAME make-certificate
    COMPONENT server)
install(PROGRAMS etc/answer-metrics etc/report DESTINATION ${programs}
    COMPONENT server)
install(FILES etc/report.html etc/letter.txt DESTINATION ${CMAKE_INSTALL_DATADIR}/sallyport
    COMPONENT server)
install(FILES etc/completion/sallyportctl.bash
    DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
    RENAME sallyportctl COMPONENT server)
install(FILES etc/completion/_sallyportctl
    DESTINATION ${CMAKE_INSTALL_DATADIR}/${ZSH_COMPLETIONS} COMPONENT server)
install(PROGRAMS ${import}/ldif ${import}/name-hash ${import}/passwd
    ${import}/proftpd ${import}/pure-pw
    DESTINATION ${CMAKE_INSTALL_DATADIR}/sallyport/import COMPONENT server)
install(FILES etc/sallyport-retention.timer etc/sallyport-metrics.socket DESTINATION lib/systemd/system
    COMPONENT server)

# The units name the programs by their full paths, which follow the prefix of the
# installation.
install(CODE "set(sbin \"${CMAKE_INSTALL_SBINDIR}\")
    cmake_path(ABSOLUTE_PATH sbin BASE_DIRECTORY \"\${CMAKE_INSTALL_PREFIX}\")
    set(libexec \"${programs}\")
    cmake_path(ABSOLUTE_PATH libexec BASE_DIRECTORY \"\${CMAKE_INSTALL_PREFIX}\")
    set(units_of_usr \"${PROJECT_SOURCE_DIR}/etc\")
    set(units \"${PROJECT_BINARY_DIR}\")" COMPONENT server)
install(CODE [[
    foreach(unit sallyport.service sallyport-retention.service
            sallyport-metrics@.service)
        file(READ "${units_of_usr}/${unit}" text)
        string(REPLACE "/usr/sbin/" "${sbin}/" text "${text}")
        string(REPLACE "/usr/libexec/sallyport/" "${libexec}/" text "${text}")
        file(WRITE "${units}/${unit}" "${text}")
        file(INSTALL "${units}/${unit}" DESTINATION
            "${CMAKE_INSTALL_PREFIX}/lib/systemd/system"
            PERMISSIONS OWNER_READ OWNER_WRITE GROUP_READ WORLD_READ)
    endforeach()
]] COMPONENT server)
