# Files appear by themselves: every list is a glob that the build checks again each time.

# relay_library(NAME): everything in src/NAME, and in the folders below it, as one static library.
# A folder without a source yet is a library with nothing in it.
function(relay_library name)
	file(GLOB_RECURSE sources CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${name}/*.c)
	if(NOT sources)
		set(sources ${CMAKE_BINARY_DIR}/empty.c)
		file(CONFIGURE OUTPUT ${sources} CONTENT "typedef int nothing_here_yet;\n")
	endif()
	add_library(${name} STATIC ${sources})
	target_link_libraries(${name} PUBLIC relay_options)
endfunction()

# relay_schema(TARGET): compiles schema/sqlite/NNNN_*.sql into TARGET, as schema_sqlite[] of
# src/store/schema.h. No work at run time, and no file to lose.
function(relay_schema target)
	file(GLOB header CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/store/schema.h)
	file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/schema/sqlite/[0-9][0-9][0-9][0-9]_*.sql)
	if(NOT header)
		return()
	endif()
	set(out ${CMAKE_CURRENT_BINARY_DIR}/schema_sqlite.c)
	add_custom_command(OUTPUT ${out}
		COMMAND ${CMAKE_COMMAND} -D OUT=${out} -P ${PROJECT_SOURCE_DIR}/cmake/schema.cmake ${files}
		DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/schema.cmake
		COMMENT "Compiling the schema into C"
		VERBATIM)
	target_sources(${target} PRIVATE ${out})
endfunction()

# relay_page(TARGET): compiles what lies in src/admin/web/page into TARGET, as page_files[] of
# src/admin/web/page_files.h.
function(relay_page target)
	file(GLOB files CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/src/admin/web/page/*)
	set(out ${CMAKE_CURRENT_BINARY_DIR}/page_files.c)
	add_custom_command(OUTPUT ${out}
		COMMAND ${CMAKE_COMMAND} -D OUT=${out} -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake ${files}
		DEPENDS ${files} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
		COMMENT "Compiling the status page into C"
		VERBATIM)
	target_sources(${target} PRIVATE ${out})
endfunction()

# A name with "slow" at its start (test_slow_*.c, test_slow_*.py) gets that label beside its own, and
# runs in script/test only.
function(relay_test_labels test name label)
	set(labels ${label})
	set(seconds 900)   # a hang, not a slow machine: under a sanitizer some take minutes
	if(name MATCHES "^test_slow_")
		list(APPEND labels slow)
		set(seconds 1800)
		set_tests_properties(${test} PROPERTIES COST 1000)   # first, so that none of them runs last and alone
	endif()
	set_tests_properties(${test} PROPERTIES LABELS "${labels}" TIMEOUT ${seconds})
	# The presets run far more tests at a time than there are cores, as most of them only wait. Of those that
	# compute all the time there are two at once, or what runs beside them would be late for ever.
	if(label STREQUAL "scenario" OR name MATCHES "^test_slow_(load|crash)$")
		set_tests_properties(${test} PROPERTIES PROCESSORS 3)
	endif()
endfunction()

# relay_tests(LABEL [FILE…] [LINK_OPTION…]): each tests/LABEL/test_*.c is a cmocka program; what else
# lies in that folder, and the FILEs, are linked to all of them. TEST_SOURCE_DIR is the folder itself,
# TIELINE_SOURCE_DIR the project's. The target tests-LABEL is all of them.
function(relay_tests label)
	set(files ${ARGN})
	list(FILTER files INCLUDE REGEX "\\.c$")
	set(options ${ARGN})
	list(FILTER options INCLUDE REGEX "^-")
	add_custom_target(tests-${label})
	file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${label}/test_*.c)
	file(GLOB helpers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${label}/*.c)
	list(REMOVE_ITEM helpers ${tests} "")
	list(APPEND helpers ${files})
	if(helpers)
		add_library(${label}_helpers OBJECT ${helpers})
		target_link_libraries(${label}_helpers PRIVATE app PkgConfig::cmocka)
		relay_test_definitions(${label}_helpers ${label})
		set(objects $<TARGET_OBJECTS:${label}_helpers>)
	endif()
	foreach(file IN LISTS tests)
		cmake_path(GET file STEM name)
		set(target ${label}_${name})
		add_executable(${target} ${file} ${objects})
		add_dependencies(tests-${label} ${target})
		set_target_properties(${target} PROPERTIES
			OUTPUT_NAME ${name} RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/${label})
		target_link_libraries(${target} PRIVATE app PkgConfig::cmocka)
		target_link_options(${target} PRIVATE ${options})
		relay_test_definitions(${target} ${label})
		add_test(NAME ${label}/${name} COMMAND ${target}
			WORKING_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR})
		relay_test_labels(${label}/${name} ${name} ${label})
	endforeach()
endfunction()

function(relay_test_definitions target label)
	target_compile_definitions(${target} PRIVATE
		TEST_SOURCE_DIR="${CMAKE_CURRENT_SOURCE_DIR}/${label}"
		TIELINE_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
endfunction()

# relay_pytests(LABEL): each tests/LABEL/test_*.py, by the system's python3, since its aiohttp and
# pytest are what script/bootstrap installs.
function(relay_pytests label)
	file(GLOB tests CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${label}/test_*.py)
	foreach(file IN LISTS tests)
		cmake_path(GET file STEM name)
		add_test(NAME ${label}/${name}
			COMMAND /usr/bin/python3 -B -m pytest -q -p no:cacheprovider ${file}
			WORKING_DIRECTORY ${CMAKE_CURRENT_SOURCE_DIR}/${label})
		relay_test_labels(${label}/${name} ${name} ${label})
		set_property(TEST ${label}/${name} PROPERTY ENVIRONMENT
			TIELINE_BIN=${CMAKE_BINARY_DIR}/tieline
			TIELINE_SANITIZE=${TIELINE_SANITIZE})
	endforeach()
endfunction()

# relay_fuzzers(): each tests/fuzz/fuzz_NAME.c. With TIELINE_FUZZ a libFuzzer program; otherwise a
# plain test that runs the corpus folder tests/fuzz/corpus/NAME, so that what a fuzzer once found
# stays found. The target fuzzers is all of them. Any may use tests/fuzz/look.h.
function(relay_fuzzers)
	add_custom_target(fuzzers)
	add_library(fuzz_helpers OBJECT ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/look.c)
	target_link_libraries(fuzz_helpers PRIVATE app)
	file(GLOB fuzzers CONFIGURE_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/fuzz_*.c)
	foreach(file IN LISTS fuzzers)
		cmake_path(GET file STEM target)
		string(REGEX REPLACE "^fuzz_" "" name ${target})
		add_executable(${target} ${file} $<TARGET_OBJECTS:fuzz_helpers>)
		add_dependencies(fuzzers ${target})
		set_target_properties(${target} PROPERTIES
			RUNTIME_OUTPUT_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/fuzz)
		target_link_libraries(${target} PRIVATE app)
		target_compile_options(${target} PRIVATE -Wno-missing-prototypes)
		set(corpus ${CMAKE_CURRENT_SOURCE_DIR}/fuzz/corpus/${name})
		if(TIELINE_FUZZ)
			target_link_options(${target} PRIVATE -fsanitize=fuzzer)
			add_test(NAME fuzz/${name} COMMAND ${target} -runs=0 ${corpus})
		else()
			target_sources(${target} PRIVATE fuzz/standalone_main.c)
			add_test(NAME fuzz/${name} COMMAND ${target} ${corpus})
		endif()
		relay_test_labels(fuzz/${name} ${target} fuzz)
	endforeach()
endfunction()
