# Language, warnings, sanitizers and hardening, on one target that everything of ours links to.
# Nothing is set globally, so that a library built inside another project keeps that project's flags.

add_library(relay_options INTERFACE)

# gnu17: C17, and the declarations of glibc that _GNU_SOURCE opens.
target_compile_features(relay_options INTERFACE c_std_17)
target_compile_definitions(relay_options INTERFACE
	_GNU_SOURCE
	TIELINE_VERSION="${PROJECT_VERSION}")
target_include_directories(relay_options INTERFACE ${PROJECT_SOURCE_DIR}/src)

target_compile_options(relay_options INTERFACE
	-Wall -Wextra
	-Wshadow -Wpointer-arith -Wwrite-strings -Wvla -Wundef
	-Wstrict-prototypes -Wmissing-prototypes -Wold-style-definition
	-Wformat=2 -Wno-format-nonliteral -Wdate-time
	-Wno-missing-field-initializers   # tables name the fields they set
	-fno-common -fno-strict-aliasing -fno-omit-frame-pointer)
if(TIELINE_WERROR)
	target_compile_options(relay_options INTERFACE -Werror)
endif()

# Debug is what one steps through; Release keeps assert(), because an invariant that fails is
# cheaper as a restart than as a message sent twice.
set(CMAKE_C_FLAGS_DEBUG "-O1 -g")
set(CMAKE_C_FLAGS_RELEASE "-O2 -g")

include(CheckPIESupported)
check_pie_supported(LANGUAGES C)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

if(TIELINE_SANITIZE STREQUAL "address")
	set(sanitizers -fsanitize=address,undefined -fno-sanitize-recover=all)
elseif(TIELINE_SANITIZE STREQUAL "thread")
	set(sanitizers -fsanitize=thread)
elseif(TIELINE_SANITIZE STREQUAL "none")
	set(sanitizers "")
else()
	message(FATAL_ERROR "TIELINE_SANITIZE is ${TIELINE_SANITIZE}; allowed: address, thread, none")
endif()
if(TIELINE_FUZZ)
	if(NOT CMAKE_C_COMPILER_ID STREQUAL "Clang")
		message(FATAL_ERROR "TIELINE_FUZZ needs clang: CC=clang, or the preset fuzz")
	endif()
	list(APPEND sanitizers -fsanitize=fuzzer-no-link)
endif()
target_compile_options(relay_options INTERFACE ${sanitizers})
target_link_options(relay_options INTERFACE ${sanitizers})

if(CMAKE_BUILD_TYPE STREQUAL "Release" AND NOT sanitizers)
	target_compile_options(relay_options INTERFACE
		-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2
		-fstack-protector-strong -fstack-clash-protection)
	target_link_options(relay_options INTERFACE
		-Wl,-z,relro,-z,now -Wl,-z,noexecstack -Wl,--as-needed)
endif()
