# cmake -D OUT=schema_sqlite.c -P schema.cmake 0001_a.sql 0002_b.sql …
#
# Writes the files as C strings, one literal per line of SQL: what the compiler, and whoever reads
# the generated file, sees is the schema as it was written.

set(files "")
math(EXPR last "${CMAKE_ARGC} - 1")
foreach(i RANGE ${last})
	if("${CMAKE_ARGV${i}}" MATCHES "\\.sql$")
		list(APPEND files "${CMAKE_ARGV${i}}")
	endif()
endforeach()
list(SORT files)

set(rows "")
set(count 0)
foreach(file IN LISTS files)
	cmake_path(GET file STEM LAST_ONLY name)
	string(REGEX MATCH "^[0-9]+" digits "${name}")
	string(REGEX REPLACE "^0+" "" version "${digits}")
	math(EXPR count "${count} + 1")
	if(NOT version EQUAL count)
		message(FATAL_ERROR "${file}: version ${digits} where ${count} is due; versions have no gap")
	endif()
	file(READ "${file}" sql)
	string(REPLACE "\\" "\\\\" sql "${sql}")
	string(REPLACE "\"" "\\\"" sql "${sql}")
	string(REPLACE "??" "?\\?" sql "${sql}")
	string(REPLACE "\t" "\\t" sql "${sql}")
	string(REPLACE "\r" "" sql "${sql}")
	string(REPLACE "\n" "\\n\"\n\t  \"" sql "${sql}")
	string(APPEND rows "\t{ ${version}, \"${name}\",\n\t  \"${sql}\" },\n")
endforeach()
if(count EQUAL 0)
	set(rows "\t{ 0 }\n")
endif()

file(WRITE "${OUT}" "/* Generated from schema/sqlite by cmake/schema.cmake. Do not edit. */
#include <stddef.h>

#include \"store/schema.h\"

const struct schema_file schema_sqlite[] = {
${rows}};
const size_t schema_sqlite_count = ${count};
")
